"""`/api/v3`: CoinGecko's API from our own store, so that its clients need nothing but another base URL.

The figures are those of CoinGecko's listings here, under its ids; what they cannot answer is an error in its shape.
"""
