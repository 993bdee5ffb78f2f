"""DataScope Select extractions of one day: rows by the names of their columns, and the CSV files of a schedule.

Real-time exchange data are released after an embargo: the scheduled price file comes first without London, then
whole, under another name. The same rows, as JSON pages, are served by ``simulation.vendor_api``.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from simulation.market import PRICE_UNITS, Market
from simulation.securities import Security
from simulation.vendor_data import INDEX, country, coupon_percent, dividends, euro_quotes, index_level, maturity

Row = Mapping[str, str | Decimal | None]
"""Column to its value; a Decimal is written as a number."""

PRICE_COLUMNS = ("RIC", "ISIN", "CUSIP", "SEDOL", "Trade Date", "Universal Close Price", "Mid Price", "Currency Code")
TERMS_COLUMNS = (
    "RIC", "ISIN", "CUSIP", "SEDOL", "Security Description", "Asset Type", "Currency Code", "Maturity Date",
    "Coupon Rate", "Country of Issuance",
)  # fmt: skip
ACTION_COLUMNS = (
    "RIC", "ISIN", "CUSIP", "SEDOL", "Corporate Action ID", "Corporate Action Type", "Announcement Date",
    "Effective Date", "Dividend Ex Date", "Dividend Record Date", "Dividend Pay Date", "Dividend Rate",
    "Dividend Currency", "Corporate Action Status",
)  # fmt: skip
_SUFFIXES = {"XNAS": "OQ", "XNYS": "N", "XETR": "DE", "XPAR": "PA", "XMIL": "MI", "XLON": "L"}
_PENCE = "GBp"


def ric(listed: Security) -> str:
    """Reuters instrument code: ticker and exchange; of a bond its national number and an equals sign."""
    return f"{listed.isin[2:]}=" if listed.is_bond else f"{listed.ticker}.{_SUFFIXES[listed.exchange]}"


def pair_ric(code: str) -> str:
    """The RIC of a euro rate: dollars are left out of the name."""
    return "EUR=" if code == "USD" else f"EUR{code}="


def universe(market: Market) -> list[tuple[str, str, str]]:
    """Identifier, its type and asset class of everything that the firm asks for."""
    rows = [(ric(listed), "Ric", "security") for listed in market.securities]
    pairs = [(pair_ric(code), "Ric", "currency") for code in ("USD", "GBP", "CHF", "JPY", "CAD")]
    return [*rows, (f".{INDEX.ticker}", "Ric", "index"), *pairs]


def files(market: Market, day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the day's scheduled files, in the order in which they come."""
    rows = price_rows(market, day)
    stamp = f"{day:%Y%m%d}"
    place = market.place(day)
    if place == 0 or market.days[place - 1].month != day.month:
        yield f"terms_{stamp}.csv", "TERMS", table(TERMS_COLUMNS, terms_rows(market))
    early = [row for row in rows if row["Currency Code"] != _PENCE]
    yield f"eod_prices_{stamp}.partial.csv", "EOD_PARTIAL", table(PRICE_COLUMNS, early)
    name = f"eod_prices_{stamp}.csv"
    yield name, "EOD", table(PRICE_COLUMNS, rows)
    yield f"{name}.notes.txt", "NOTES", "\n".join([*notes(day, len(rows)), ""]).encode("ascii")
    yield f"corporate_actions_{stamp}.csv", "ACTIONS", table(ACTION_COLUMNS, action_rows(market, day))


def price_rows(market: Market, day: date) -> list[Row]:
    """Closing prices, the index and the published euro rates of a day; securities without a quote are absent."""
    place, rows = market.place(day), list[Row]()
    for number, listed in enumerate(market.securities):
        if not market.quoted[place, number]:
            continue
        price, currency = Decimal(int(market.prices[place, number])) / PRICE_UNITS, listed.currency
        if currency == "GBP":
            price, currency = price * 100, _PENCE
        rows.append(_named(listed) | _price(day, price, currency))
    level = Decimal(index_level(market, place)) / PRICE_UNITS
    rows.append(_bare(f".{INDEX.ticker}") | _price(day, level, INDEX.currency))
    for code, quote in euro_quotes(market, day).items():
        rows.append(_bare(pair_ric(code)) | _price(day, Decimal(quote), code))
    return rows


def terms_rows(market: Market) -> list[Row]:
    """What every security is, and the index."""
    rows = list[Row]()
    for listed in market.securities:
        due = maturity(listed)
        rows.append(
            _named(listed)
            | {
                "Security Description": listed.name, "Asset Type": "CORP" if listed.is_bond else "ORD",
                "Currency Code": _PENCE if listed.currency == "GBP" else listed.currency,
                "Maturity Date": due.isoformat() if due else None, "Coupon Rate": coupon_percent(listed),
                "Country of Issuance": country(listed),
            }
        )  # fmt: skip
    index = {"Security Description": INDEX.name, "Asset Type": "INDEX", "Currency Code": INDEX.currency,
             "Maturity Date": None, "Coupon Rate": None, "Country of Issuance": None}  # fmt: skip
    return [*rows, _bare(f".{INDEX.ticker}") | index]


def action_rows(market: Market, day: date) -> list[Row]:
    """The dividends that are announced on a day."""
    rows = list[Row]()
    for paid in dividends(market):
        if paid.told != day:
            continue
        listed = market.securities[paid.security]
        is_pence = listed.currency == "GBP"
        rows.append(
            _named(listed)
            | {
                "Corporate Action ID": f"DSS-{paid.number}", "Corporate Action Type": "DIV",
                "Announcement Date": paid.announced.isoformat(), "Effective Date": paid.ex_date.isoformat(),
                "Dividend Ex Date": paid.ex_date.isoformat(), "Dividend Record Date": paid.record_date.isoformat(),
                "Dividend Pay Date": paid.pay_date.isoformat(),
                "Dividend Rate": paid.rate * 100 if is_pence else paid.rate,
                "Dividend Currency": _PENCE if is_pence else listed.currency, "Corporate Action Status": "CONFIRMED",
            }
        )  # fmt: skip
    return rows


def notes(day: date, count: int) -> list[str]:
    """Lines that every extraction carries."""
    return [
        "Extraction Services Version 17.0.0 (simulated)", f"Processing started UTC {day.isoformat()} 22:30:00.",
        "Quota Message: INFO: Tick History Cash Quota Count Before Extraction: 0", f"{count} rows returned.",
        f"Processing completed successfully at {day.isoformat()} 22:30:04.",
    ]  # fmt: skip


def table(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """Rows as CSV with a header, quoted where needed, CRLF."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_text(row[column]) for column in columns] for row in rows)
    return out.getvalue().encode("utf-8")


def json_rows(rows: Sequence[Row]) -> str:
    """Rows as a JSON array; numbers have all their digits."""
    written = (",".join(f"{json.dumps(name)}:{_token(value)}" for name, value in row.items()) for row in rows)
    return "[" + ",".join("{" + row + "}" for row in written) + "]"


def _named(listed: Security) -> dict[str, str | Decimal | None]:
    return {"RIC": ric(listed), "ISIN": listed.isin, "CUSIP": listed.cusip, "SEDOL": listed.sedol}


def _bare(code: str) -> dict[str, str | Decimal | None]:
    return {"RIC": code, "ISIN": None, "CUSIP": None, "SEDOL": None}


def _price(day: date, price: Decimal, currency: str) -> dict[str, str | Decimal | None]:
    return {
        "Trade Date": day.isoformat(), "Universal Close Price": price, "Mid Price": None, "Currency Code": currency,
    }  # fmt: skip


def _text(value: str | Decimal | None) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else value or ""


def _token(value: str | Decimal | bool | None) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)
