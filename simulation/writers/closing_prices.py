"""The price vendor's daily file: ``prices_yyyymmdd.csv``, one line per quoted security and a trailer with the count."""

from __future__ import annotations

from datetime import date

from simulation.market import PRICE_UNITS, Market

COLUMNS = ("price_date", "isin", "ticker", "exchange", "currency", "close", "record_type")
RECORD_TYPE = "CLOSE"


def file_name(day: date) -> str:
    """``prices_yyyymmdd.csv``."""
    return f"prices_{day:%Y%m%d}.csv"


def document(market: Market, place: int) -> bytes:
    """The whole file of the day at ``place``; securities without a quote on that day are absent."""
    day = market.days[place].isoformat()
    rows = [
        f"{day},{s.isin},{s.ticker},{s.exchange},{s.currency},{_price(int(market.prices[place, number]))},{RECORD_TYPE}"
        for number, s in enumerate(market.securities)
        if market.quoted[place, number]
    ]
    return "\n".join([",".join(COLUMNS), *rows, f"#TRAILER,{len(rows)}", ""]).encode("ascii")


def _price(value: int) -> str:
    """A price in 0.00001 with at least two decimals and no zero after the second."""
    whole, digits = f"{value // PRICE_UNITS}", f"{value % PRICE_UNITS:05d}".rstrip("0")
    return f"{whole}.{digits.ljust(2, '0')}"
