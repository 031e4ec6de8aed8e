"""The promises of ingestion, tried on this machine."""
