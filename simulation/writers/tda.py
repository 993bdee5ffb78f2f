"""TD Ameritrade Veo files, byte for byte: ``REP yymmdd.EXT``, one set per rep code and business day.

Comma-separated values without header or trailer, in Windows-1252, lines ending in CR LF; a text that holds a comma or a
quote stands in quotes, its quotes doubled. Dates are written MM/DD/YYYY in TRN and SEC, MMDDYYYY in PRI and YYYYMMDD in
CBL, for the real files came in all three. A day without bookings has a TRN of no bytes. The code values that are not
public are invented; README.md of the room lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from simulation.decimals import checked_product, decimal_series, half_even_array
from simulation.firm import Account
from simulation.lots import Lot, is_covered
from simulation.market import PRICE_UNITS, Ints, Market
from simulation.scene import Scene
from simulation.securities import Security
from simulation.transactions import MONEY_UNITS, QUANTITY_UNITS, Transaction, principal

LINE_END = "\r\n"
KINDS = ("TRN", "POS", "PRI", "SEC", "CBL", "TRD")

_CODES = {
    "BUY": "BUY", "SELL": "SELL", "DIVIDEND": "DIV", "INTEREST": "INT", "TRANSFER_IN": "REC", "TRANSFER_OUT": "DEL",
    "JOURNAL": "JNL", "OTHER_FEE": "FEE", "ADVISORY_FEE": "MFE", "DEPOSIT": "DEP", "WITHDRAWAL": "WTH",
    "TAX_WITHHELD": "TAX",
}  # fmt: skip
_CASH_PART = "C"


def file_name(rep: str, day: date, extension: str) -> str:
    """``REP yymmdd.EXT``."""
    return f"{rep} {day:%y%m%d}.{extension}"


def files(scene: Scene, tenant: str, accounts: Sequence[Account], day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the files of one business day; the rep code is the account's master account."""
    reps: dict[str, list[Account]] = {}
    for account in accounts:
        reps.setdefault(account.master_account or "", []).append(account)
    for rep, own in sorted(reps.items()):
        rows = {
            "TRN": (transaction_row(scene.market, rep, booking, day, is_cancel) for booking, is_cancel in
                    scene.rows(own, day)),
            "PRI": price_rows(scene.market, day),
            "SEC": security_rows(scene.market),
            "CBL": (lot_row(scene.market, rep, account, lot, day) for account in own
                    for lot in scene.lots(account, day)),
            "TRD": (account_row(rep, account) for account in own),
        }  # fmt: skip
        for kind in KINDS:
            content = position_lines(scene, own, day) if kind == "POS" else lines(rows[kind])
            yield file_name(rep, day, kind), kind, content


def lines(rows: Iterable[Sequence[str]]) -> bytes:
    """Rows as a file's bytes."""
    return "".join(",".join(map(quoted, row)) + LINE_END for row in rows).encode("cp1252")


def quoted(text: str) -> str:
    """A value as it stands in a file: in quotes where it must, its quotes doubled."""
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def symbol(listed: Security) -> str:
    """How the files name a security: a bond by its CUSIP, a share by its ticker."""
    return listed.cusip or listed.ticker if listed.is_bond else listed.ticker


def security_type(listed: Security) -> str:
    """The two letters of its kind."""
    return "FI" if listed.is_bond else "EQ"


def symbol_table(market: Market) -> bytes:
    """The firm's own table of symbols: which CUSIP a symbol stands for. No file of this custodian says it."""
    rows = [("symbol", "cusip")]
    rows += [(symbol(listed), listed.cusip or "") for listed in _listed(market) if not listed.is_bond]
    return "".join(f"{name},{cusip}\n" for name, cusip in rows).encode("ascii")


def transaction_row(market: Market, rep: str, booking: Transaction, day: date, is_cancel: bool) -> list[str]:
    """A TRN row of the file of ``day``. A cancel repeats the row with the flag set.

    Quantities and amounts carry no sign, their code says it; only a journal's amount is signed.
    """
    listed = None if booking.security is None else market.securities[booking.security]
    gross = abs(booking.amount)
    if listed is not None and booking.security is not None and booking.price:
        gross = principal(
            market, booking.account, booking.security, booking.trade_date, abs(booking.quantity), booking.price
        )
    amount = booking.amount if booking.type == "JOURNAL" else abs(booking.amount)
    return [
        rep,
        _slashed(day),
        booking.account.account_number,
        _CODES[booking.type],
        "Y" if is_cancel else "N",
        "" if listed is None else symbol(listed),
        "" if listed is None else security_type(listed),
        _slashed(booking.trade_date),
        _text(abs(booking.quantity), QUANTITY_UNITS, 5),
        _text(amount, MONEY_UNITS, 2),
        _text(gross, MONEY_UNITS, 2),
        _text(booking.commission, MONEY_UNITS, 2),
        _text(0, MONEY_UNITS, 2),
        # The settle date is left out where it is the trade date.
        "" if booking.settle_date == booking.trade_date else _slashed(booking.settle_date),
        booking.counterparty or "",
        _CASH_PART,
        _text(booking.accrued_interest, MONEY_UNITS, 2),
        "FIFO" if booking.type == "SELL" else "",
        f'{booking.type.replace("_", " ")}, "AS ORDERED"' if booking.type in ("BUY", "SELL") else "",
    ]


def price_rows(market: Market, day: date) -> list[list[str]]:
    """PRI rows: the last close on or before the day, with the day that it is of; bonds with their factor."""
    place = market.place(day)
    return [
        [
            symbol(listed),
            security_type(listed),
            f"{market.days[int(market.price_places[place, number])]:%m%d%Y}",
            _text(int(market.prices[place, number]), PRICE_UNITS, 5),
            "1.00000000" if listed.is_bond else "",
        ]
        for number, listed in enumerate(market.securities)
        if listed.currency == "USD"
    ]


def security_rows(market: Market) -> list[list[str]]:
    """SEC rows of every security in dollars."""
    return [
        [
            symbol(listed), security_type(listed), listed.name,
            f"06/15/20{listed.ticker[-2:]}" if listed.is_bond else "",
            "", "", "", "",
            f"{listed.annual_rate * 100:.3f}" if listed.is_bond else "",
            "", "", "",
        ]
        for listed in _listed(market)
    ]  # fmt: skip


def lot_row(market: Market, rep: str, account: Account, lot: Lot, day: date) -> list[str]:
    """A CBL row: an open lot with its cost, where it is known, and what it would gain at the day's close."""
    place, listed = market.place(day), market.securities[lot.security]
    worth = principal(market, account, lot.security, day, lot.quantity, int(market.prices[place, lot.security]))
    bought = lot.acquired_date
    cost = "" if lot.cost is None else _text(lot.cost, MONEY_UNITS, 2)
    return [
        rep,
        f"{day:%Y%m%d}",
        account.account_number,
        _CASH_PART,
        security_type(listed),
        symbol(listed),
        _text(lot.quantity, QUANTITY_UNITS, 5),
        cost,
        cost,
        "" if lot.cost is None else _text(worth - lot.cost, MONEY_UNITS, 2),
        "N" if lot.cost is None else "Y",
        "N" if lot.cost is None else "Y",
        "" if bought is None else f"{bought:%Y%m%d}",
        "",
        "N",
        "0.00",
        "N",
        cost,
        "",
        "0.00",
        lot.lot_id,
        listed.name,
        "Y" if is_covered(account, bought) else "N",
        "",
    ]


def account_row(rep: str, account: Account) -> list[str]:
    """A TRD row; what is personal in it is invented."""
    given, _, family = account.title.partition(" ")
    taxable = "Y" if account.tax_status == "taxable" else "N"
    return [
        "", family, given, "1 EXAMPLE STREET, SUITE 2", "", "", "", "", "", "SPRINGFIELD", "NY", "00000", "000000000",
        account.account_number, rep, taxable, "", "", account.registration, "GROWTH", account.account_number, "N",
        "NY", f"{account.opened_date:%m/%d/%Y}", "", "", "", "12", "12/31", "N", "Y", "Y", "Y", "", "", "",
    ]  # fmt: skip


def position_lines(scene: Scene, accounts: Sequence[Account], day: date) -> bytes:
    """The POS file: an account's holdings, then its cash under a blank symbol; in columns, for it is the bulk file."""
    market, place = scene.market, scene.market.place(day)
    places = np.array([scene.places[account.key] for account in accounts], dtype=np.int64)
    quantities = scene.reported.quantities[places, place]
    rows, listed = np.nonzero(quantities)
    quantity = quantities[rows, listed]
    worth = _cents(market, place, listed, quantity)
    cash = scene.reported.cash[places, place] // (MONEY_UNITS // 100)
    kinds = pl.Series([security_type(s) for s in market.securities])
    symbols = pl.Series([quoted(symbol(s)) for s in market.securities])
    numbers = pl.Series([account.account_number for account in accounts])
    held = pl.DataFrame(
        {
            "order": rows,
            "account": numbers[rows],
            "kind": kinds[listed],
            "symbol": symbols[listed],
            "quantity": decimal_series("q", quantity, 5).cast(pl.String),
            "amount": decimal_series("a", worth, 2).cast(pl.String),
        }
    )
    cash_text = decimal_series("c", cash, 2).cast(pl.String)
    cash_rows = pl.DataFrame(
        {
            "order": np.arange(len(accounts)),
            "account": numbers,
            "kind": [""] * len(accounts),
            "symbol": [""] * len(accounts),
            "quantity": cash_text,
            "amount": cash_text,
        }
    )
    line = pl.concat_str(
        ["account", pl.lit(_CASH_PART), "kind", "symbol", "quantity", "amount"], separator=","
    ) + pl.lit(LINE_END)
    whole = pl.concat([held, cash_rows]).sort("order", maintain_order=True).select(line.str.join("")).item()
    return str(whole).encode("cp1252")


def _listed(market: Market) -> list[Security]:
    return [listed for listed in market.securities if listed.currency == "USD"]


def _cents(market: Market, place: int, listed: npt.NDArray[np.intp], quantity: Ints) -> Ints:
    """Market values in cents, half-even."""
    product = checked_product(quantity, market.prices[place, listed])
    is_bond = np.array([security.is_bond for security in market.securities])[listed]
    cents: Ints = np.where(is_bond, half_even_array(product, 10**10), half_even_array(product, 10**8)).astype(np.int64)
    return cents


def _slashed(day: date) -> str:
    return f"{day:%m/%d/%Y}"


def _text(value: int, units: int, places: int) -> str:
    """An integer counted in 1/units with that many decimals; the units have at least as many."""
    sign, digits = ("-", -value) if value < 0 else ("", value)
    scaled, rest = divmod(digits, units // 10**places)
    if rest:
        raise ValueError(f"{value}/{units} has more than {places} decimals")
    return f"{sign}{scaled // 10**places}.{scaled % 10**places:0{places}d}"
