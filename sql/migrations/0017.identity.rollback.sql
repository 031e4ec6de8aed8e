DROP TABLE price_census;
