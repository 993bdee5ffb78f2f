"""FactSet's answers for one day: prices as traded, evaluated bond prices and corporate actions, as JSON documents.

Numbers have all their digits. What is invented (identifiers of listings) is in simulation/README.md.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal

from simulation.market import PRICE_UNITS, Market
from simulation.vendor_data import INDEX, dividends, index_level

Record = Mapping[str, str | Decimal | bool | None]
_LETTERS = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
_PENCE = "GBX"


def symbol(place: int) -> str:
    """The invented permanent identifier of a listing: six characters without vowels, and -R."""
    text = "".join(_LETTERS[(place * 7 + step * 11) % len(_LETTERS)] for step in range(4))
    return f"{text}{place // 10}{place % 10}-R"


def universe(market: Market) -> list[tuple[str, str]]:
    """Identifier and asset class of what the firm asks for: ISINs, and the index by its name."""
    rows = [(listed.isin, "bond" if listed.is_bond else "equity") for listed in market.securities]
    return [*rows, (f"{INDEX.ticker}-USA", "index")]


def files(market: Market, day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the day's answers to a firm that asks for all securities, and not for the index.

    FactSet says nowhere what the index is; a firm that asks for it lists it in its universe.
    """
    stamp = f"{day:%Y%m%d}"
    listed = {security.isin for security in market.securities}
    yield f"prices_unsplit_{stamp}.json", "PRICES", document(price_records(market, day, listed))
    yield f"bond_prices_{stamp}.json", "BONDS", document(bond_records(market, day))
    yield f"corporate_actions_{stamp}.json", "ACTIONS", document(action_records(market, day))


def price_records(market: Market, day: date, ids: Collection[str] | None = None) -> list[Record]:
    """Closing prices of equities and the index; of an identifier that nobody knows a record of nulls."""
    place, records = market.place(day), list[Record]()
    for number, listed in enumerate(market.securities):
        if listed.is_bond or not market.quoted[place, number] or (ids is not None and listed.isin not in ids):
            continue
        price, currency = Decimal(int(market.prices[place, number])) / PRICE_UNITS, listed.currency
        if currency == "GBP":
            price, currency = price * 100, _PENCE
        records.append(_price(symbol(number), listed.isin, day, price, currency))
    name = f"{INDEX.ticker}-USA"
    if ids is None or name in ids:
        level = Decimal(index_level(market, place)) / PRICE_UNITS
        records.append(_price(symbol(len(market.securities)), name, day, level, INDEX.currency))
    known = {text for text, _ in universe(market)}
    for stranger in sorted(set(ids or ()) - known):
        records.append({"fsymId": None, "date": None, "currency": None, "requestId": stranger, "price": None})
    return records


def bond_records(market: Market, day: date, ids: Collection[str] | None = None) -> list[Record]:
    """Evaluated prices of the bonds that are quoted on the day; the ask side is not given."""
    place = market.place(day)
    return [
        {
            "requestId": listed.isin, "fsymId": symbol(number), "currency": listed.currency, "date": day.isoformat(),
            "cleanBidPrice": Decimal(int(market.prices[place, number])) / PRICE_UNITS - Decimal("0.125"),
            "cleanMidPrice": Decimal(int(market.prices[place, number])) / PRICE_UNITS, "cleanAskPrice": None,
            "dirtyMidPrice": None, "midPriceDate": None,
        }
        for number, listed in enumerate(market.securities)
        if listed.is_bond and market.quoted[place, number] and (ids is None or listed.isin in ids)
    ]  # fmt: skip


def action_records(market: Market, day: date, ids: Collection[str] | None = None) -> list[Record]:
    """The dividends that are announced on the day."""
    records = list[Record]()
    for paid in dividends(market):
        listed = market.securities[paid.security]
        if paid.told != day or (ids is not None and listed.isin not in ids):
            continue
        is_pence = listed.currency == "GBP"
        records.append(
            {
                "fsymId": symbol(paid.security), "requestId": listed.isin, "eventId": f"FS{paid.number}",
                "eventTypeCode": "DVC", "announcementDate": paid.announced.isoformat(),
                "effectiveDate": paid.ex_date.isoformat(), "recordDate": paid.record_date.isoformat(),
                "payDate": paid.pay_date.isoformat(),
                "amtGrossTradingUnadj": paid.rate * 100 if is_pence else paid.rate,
                "currency": _PENCE if is_pence else listed.currency, "distNewTerm": None, "distOldTerm": None,
                "cancelledDividend": False,
            }
        )  # fmt: skip
    return records


def document(records: Sequence[Record]) -> bytes:
    """The answer that holds the records."""
    written = (",".join(f"{json.dumps(name)}:{_token(value)}" for name, value in record.items()) for record in records)
    return ('{"data":[' + ",".join("{" + record + "}" for record in written) + "]}").encode()


def _price(listing: str, asked: str, day: date, price: Decimal, currency: str) -> Record:
    return {"fsymId": listing, "date": day.isoformat(), "currency": currency, "requestId": asked, "price": price}


def _token(value: str | Decimal | bool | None) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else json.dumps(value)
