"""Bloomberg Data License replies of one day, as if the firm's requests had run after the close in New York.

prices_, reference_, fx_ and actions_yyyymmdd.out: the envelope of START and END marks, a list of fields, one row a
security with a delimiter behind its last value. London is quoted in pence. What is invented is in simulation/README.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from simulation.market import Market
from simulation.securities import Security
from simulation.vendor_data import (
    INDEX,
    Dividend,
    country,
    coupon_percent,
    dividends,
    euro_quotes,
    figi,
    index_level,
    maturity,
    units_text,
)

FIRM = "dl12345"
NO_VALUE = "N.A."
PRICE_FIELDS = ("PX_LAST", "PX_CLOSE_DT", "CRNCY", "ID_BB_GLOBAL", "ID_CUSIP", "ID_ISIN", "ID_SEDOL1")
REFERENCE_FIELDS = (
    "NAME", "SECURITY_TYP2", "CRNCY", "ID_BB_GLOBAL", "ID_CUSIP", "ID_ISIN", "ID_SEDOL1", "MATURITY", "CPN",
    "COUNTRY_ISO",
)  # fmt: skip
FX_FIELDS = ("PX_LAST", "PX_CLOSE_DT")
_EXCHANGES = {"XNAS": "US", "XNYS": "US", "XETR": "GY", "XPAR": "FP", "XMIL": "IM", "XLON": "LN"}
_PENCE = "GBp"

Row = Sequence[str | None]


def identifier(place: int, listed: Security) -> str:
    """What the firm asks for: ticker, exchange and yellow key; a bond by its FIGI."""
    return f"{figi(place)} Corp" if listed.is_bond else f"{listed.ticker} {_EXCHANGES[listed.exchange]} Equity"


def files(market: Market, day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the day's replies; first, in a new month, what the securities are."""
    place = market.place(day)
    if place == 0 or market.days[place - 1].month != day.month:
        rows = _reference(market)
        yield f"reference_{day:%Y%m%d}.out", "REFERENCE", reply(day, "getdata", REFERENCE_FIELDS, rows)
    yield f"prices_{day:%Y%m%d}.out", "PRICES", reply(day, "getdata", PRICE_FIELDS, _prices(market, place))
    quotes = euro_quotes(market, day)
    if quotes:
        rates = [(f"EUR{code} Curncy", (quote, f"{day:%Y%m%d}")) for code, quote in quotes.items()]
        yield f"fx_{day:%Y%m%d}.out", "FX", reply(day, "getdata", FX_FIELDS, rates)
    told = [paid for paid in dividends(market) if paid.told == day]
    yield f"actions_{day:%Y%m%d}.out", "ACTIONS", _actions(market, day, told)


def reply(day: date, program: str, fields: Sequence[str], rows: Sequence[tuple[str, Row]]) -> bytes:
    """A reply of rows with return code 0; None is written N.A."""
    body = [
        f"{asked}|0|{len(fields)}|" + "".join(f"{NO_VALUE if value is None else value}|" for value in row)
        for asked, row in rows
    ]
    return document(day, program, fields, body)


def document(day: date, program: str, fields: Sequence[str], body: Sequence[str]) -> bytes:
    """The envelope around rows."""
    listed = ["START-OF-FIELDS", *fields, "END-OF-FIELDS", ""] if fields else []
    lines = [
        "START-OF-FILE", f"RUNDATE={day:%Y%m%d}", f"PROGRAMNAME={program}", f"FIRMNAME={FIRM}", "PROGRAMFLAG=daily",
        "DELIMITER=|", "DATEFORMAT=yyyymmdd", "CLOSINGVALUES=yes", "", *listed,
        f"TIMESTARTED={day:%a %b %d} 18:00:05 EST {day:%Y}", "START-OF-DATA", *body, "END-OF-DATA",
        f"DATARECORDS={len(body)}", f"TIMEFINISHED={day:%a %b %d} 18:01:00 EST {day:%Y}", "END-OF-FILE", "",
    ]  # fmt: skip
    return "\n".join(lines).encode("ascii")


def _prices(market: Market, place: int) -> list[tuple[str, Row]]:
    rows: list[tuple[str, Row]] = []
    day = f"{market.days[place]:%Y%m%d}"
    for number, listed in enumerate(market.securities):
        if not market.quoted[place, number]:
            continue
        price = int(market.prices[place, number])
        is_pence = listed.currency == "GBP"
        text = units_text(price * 100 if is_pence else price, 6)
        rows.append(
            (identifier(number, listed), (text, day, _PENCE if is_pence else listed.currency, *_ids(number, listed)))
        )
    level = units_text(index_level(market, place), 6)
    rows.append((f"{INDEX.ticker} Index", (level, day, INDEX.currency, figi(len(market.securities)), None, None, None)))
    return rows


def _ids(number: int, listed: Security) -> tuple[str | None, ...]:
    return figi(number), listed.cusip, listed.isin, listed.sedol


def _reference(market: Market) -> list[tuple[str, Row]]:
    rows: list[tuple[str, Row]] = []
    for number, listed in enumerate(market.securities):
        due, coupon = maturity(listed), coupon_percent(listed)
        currency = _PENCE if listed.currency == "GBP" else listed.currency
        row = (
            listed.name, "Bond" if listed.is_bond else "Common Stock", currency, *_ids(number, listed),
            f"{due:%Y%m%d}" if due else None, f"{coupon:.6f}" if coupon is not None else None, country(listed),
        )  # fmt: skip
        rows.append((identifier(number, listed), row))
    number = len(market.securities)
    index = (INDEX.name, "Index", INDEX.currency, figi(number), None, None, None, None, None, "US")
    rows.append((f"{INDEX.ticker} Index", index))
    return rows


def _actions(market: Market, day: date, told: Sequence[Dividend]) -> bytes:
    body = []
    for paid in told:
        listed = market.securities[paid.security]
        is_pence = listed.currency == "GBP"
        rate: Decimal = paid.rate * 100 if is_pence else paid.rate
        currency = _PENCE if is_pence else listed.currency
        head = (
            identifier(paid.security, listed), 100_000 + paid.security, 100, 0, paid.number, "DVD_CASH", "N",
            listed.name, "ISIN", listed.isin, currency, "Equity", "", f"{paid.announced:%Y%m%d}",
            f"{paid.ex_date:%Y%m%d}", NO_VALUE, figi(paid.security), 4,
        )  # fmt: skip
        pairs = {
            "CP_RECORD_DT": f"{paid.record_date:%Y%m%d}", "CP_PAY_DT": f"{paid.pay_date:%Y%m%d}",
            "CP_GROSS_AMT": f"{rate.normalize():f}", "CP_DVD_CRNCY": currency,
        }  # fmt: skip
        body.append("".join(f"{value}|" for value in (*head, *(part for pair in pairs.items() for part in pair))))
    return document(day, "getactions", (), body)
