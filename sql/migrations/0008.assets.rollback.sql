DROP TABLE contract_check;
DROP TABLE coin_contract;
DROP TABLE asset_event;
DROP TABLE asset_source;
DROP TABLE asset;
