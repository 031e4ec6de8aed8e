"""The currencies the vendors quote in, and how many units make a dollar: round, and never moving."""

from __future__ import annotations

# the list is the one CoinPaprika documents for `quotes`
PER_DOLLAR: dict[str, float] = {
    "USD": 1.0, "BTC": 1 / 62_900, "ETH": 1 / 1_865, "EUR": 0.87, "GBP": 0.75, "CHF": 0.81,
    "JPY": 148.0, "CNY": 7.2, "KRW": 1390.0, "INR": 87.0, "PLN": 3.7, "CAD": 1.38,
    "AUD": 1.54, "NZD": 1.69, "RUB": 80.0, "TRY": 40.6, "UAH": 41.7, "HKD": 7.85,
    "SGD": 1.3, "NGN": 1530.0, "PHP": 58.0, "MXN": 18.9, "BRL": 5.6, "THB": 32.7,
    "CLP": 970.0, "CZK": 21.5, "DKK": 6.5, "HUF": 350.0, "IDR": 16_450.0, "ILS": 3.4,
    "MYR": 4.3, "NOK": 10.3, "PKR": 284.0, "SEK": 9.8, "TWD": 29.9, "ZAR": 18.2,
    "VND": 26_200.0, "BOB": 6.9, "COP": 4180.0, "PEN": 3.6, "ARS": 1370.0, "ISK": 124.0,
}  # fmt: skip
