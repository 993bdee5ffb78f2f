"""Schwab-style Core files, byte for byte: ``CRSyyyymmdd.TRN|RPS|SEC|ACC`` of one master account and day.

Lines end in CR LF and are encoded in Windows-1252. A header and a trailer with the count of the data lines surround
them. Amounts and quantities carry five decimals and no sign (balances may be negative). The code values, the header
and the trailer are invented, for they are not public; README.md of the room lists them.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from simulation.firm import Account
from simulation.market import Market
from simulation.securities import Security
from simulation.transactions import MONEY_UNITS, QUANTITY_UNITS, Transaction, principal
from simulation.writers.schwab_layouts import ACC, RPS_BALANCE, RPS_POSITION, SEC, TRN, Layout, record

CUSTODIAN_ID = "SCHWAB"
LINE_END = "\r\n"
_POSITION = (*RPS_POSITION[:6], ("security_part", 0), *RPS_POSITION[34:])

_CODES = {
    "BUY": ("BY", ""), "SELL": ("SL", ""), "DIVIDEND": ("DV", ""), "INTEREST": ("IN", ""), "DEPOSIT": ("DP", ""),
    "WITHDRAWAL": ("WD", ""), "ADVISORY_FEE": ("FE", "AF"), "OTHER_FEE": ("FE", "OT"), "TAX_WITHHELD": ("TX", ""),
    "TRANSFER_IN": ("TI", ""), "TRANSFER_OUT": ("TO", ""), "JOURNAL": ("JN", ""),
}  # fmt: skip
_ACTIONS = {"BUY": "BUY", "SELL": "SELL"}


@dataclass(frozen=True)
class Master:
    """The master account under which files are delivered.

    Attributes:
        number: such as 08123456; written right-justified in its ten columns, as account numbers are.
        name: at most thirty characters.
    """

    number: str
    name: str


def file_name(day: date, extension: str) -> str:
    """``CRSyyyymmdd.EXT``."""
    return f"CRS{day:%Y%m%d}.{extension}"


def header(master: Master, day: date, extension: str) -> str:
    """The first line of a file."""
    return "|".join(
        ("HD", CUSTODIAN_ID.ljust(8), master.number.rjust(10), master.name.ljust(30), f"{day:%Y%m%d}", extension, "")
    )


def trailer(master: Master, day: date, count: int) -> str:
    """The last line of a file: ``count`` is the number of data lines."""
    return "|".join(("TR", CUSTODIAN_ID.ljust(8), master.number.rjust(10), f"{day:%Y%m%d}", f"{count:010d}", ""))


def document(master: Master, day: date, extension: str, parts: Sequence[tuple[bytes, int]]) -> bytes:
    """A whole file from encoded blocks of data lines, each with its number of lines."""
    end = LINE_END.encode("ascii")
    lines = b"".join(block for block, _ in parts)
    first = header(master, day, extension).encode("cp1252") + end
    return first + lines + trailer(master, day, sum(count for _, count in parts)).encode("cp1252") + end


def text_block(lines: Iterable[str]) -> tuple[bytes, int]:
    """Lines as an encoded block."""
    rows = list(lines)
    return "".join(f"{row}{LINE_END}" for row in rows).encode("cp1252"), len(rows)


def column_block(lines: pl.Series) -> tuple[bytes, int]:
    """A string series as an encoded block, one line per value."""
    buffer = io.BytesIO()
    lines.to_frame().write_csv(buffer, include_header=False, quote_style="never", line_terminator=LINE_END)
    raw = buffer.getvalue()
    return raw if raw.isascii() else raw.decode("utf-8").encode("cp1252"), len(lines)


def decimal_text(value: int, units: int) -> str:
    """An integer counted in 1/units (a power of ten, at most five places) with five decimals, right-justified in 17."""
    scaled = value * (QUANTITY_UNITS // units)
    sign, digits = ("-", -scaled) if scaled < 0 else ("", scaled)
    return f"{sign}{digits // QUANTITY_UNITS}.{digits % QUANTITY_UNITS:05d}".rjust(17)


def transaction_line(
    market: Market, master: Master, booking: Transaction, day: date, *, is_cancel: bool = False
) -> str:
    """A TRN record of the file of ``day``. A cancel repeats the row with the cancel code set."""
    code, sub_code = _CODES[booking.type]
    gross = abs(booking.amount)
    if booking.type in _ACTIONS and booking.security is not None:
        gross = principal(
            market, booking.account, booking.security, booking.trade_date, abs(booking.quantity), booking.price
        )
    direction = "" if booking.amount == 0 else ("CREDIT" if booking.amount > 0 else "DEBIT")
    values = _account_prefix(master, day, booking.account) | _titles(booking.account) | {
        "transaction_type_code": code,
        "transaction_sub_type_code": sub_code,
        "transaction_category": booking.type.replace("_", " "),
        "detail_description": _description(market, booking),
        "action_code": _ACTIONS.get(booking.type, ""),
        "cancel_code": "Y" if is_cancel else "",
        "trade_date": f"{booking.trade_date:%Y%m%d}",
        "settlement_date": f"{booking.settle_date:%Y%m%d}",
        "transaction_date": f"{booking.trade_date:%Y%m%d}",
        "quantity": decimal_text(abs(booking.quantity), QUANTITY_UNITS),
        "gross_amount": decimal_text(gross, MONEY_UNITS),
        "debit_credit_indicator": direction,
        "net_amount": decimal_text(abs(booking.amount), MONEY_UNITS),
        "commission": decimal_text(booking.commission, MONEY_UNITS),
        "accrued_interest": decimal_text(booking.accrued_interest, MONEY_UNITS),
        "publication_timestamp": f"{day + timedelta(days=1):%Y-%m-%d}-02.15.00.000000",
    }  # fmt: skip
    if booking.price:
        values["price"] = decimal_text(booking.price, QUANTITY_UNITS)
    if booking.security is not None:
        values |= identifiers(market.securities[booking.security])
    if booking.counterparty is not None:
        ends = (booking.account.account_number, booking.counterparty)
        payer, payee = ends if booking.amount < 0 else ends[::-1]
        values |= {"from_account": payer.rjust(10), "to_account": payee.rjust(10), "journal_type": "CJ"}
    return record(TRN, values)


def account_line(master: Master, account: Account, day: date) -> str:
    """An ACC record."""
    given, _, family = account.title.partition(" ")
    return record(
        ACC,
        _account_prefix(master, day, account) | _titles(account) | {
            "status": "OPEN",
            "taxpayer_first": given,
            "taxpayer_last": family,
            "mail_address1": "1 EXAMPLE STREET",
            "city": "SPRINGFIELD",
            "country": "UNITED STATES",
            "date_opened": f"{account.opened_date:%Y%m%d}",
            "taxable_indicator": "Y" if account.tax_status == "taxable" else "N",
            "lot_selection_method": "FIFO",
        },
    )  # fmt: skip


def security_line(market: Market, master: Master, security: int, place: int) -> str:
    """A SEC record with the last close on or before the day at ``place``."""
    listed, day = market.securities[security], market.days[place]
    price = decimal_text(int(market.prices[place, security]), QUANTITY_UNITS).rjust(18)
    values = prefix(master, day) | identifiers(listed) | {
        "description1": listed.name[:24],
        "description2": listed.name[24:48],
        "sweep_fund_indicator": "N",
        "closing_price": price,
        "price_date": f"{market.days[int(market.price_places[place, security])]:%Y%m%d}",
        "security_valuation_unit": decimal_text(100 if listed.is_bond else 1, 1),
        "closing_price_unfactored": price,
    }  # fmt: skip
    if listed.is_bond:
        year = f"20{listed.ticker[-2:]}"
        values |= {"interest_rate": f"{listed.annual_rate * 100:.5f}".rjust(9), "maturity_date": f"{year}0615"}
    return record(SEC, values)


def security_part(listed: Security) -> str:
    """Fields product_code to capital_gains_reinvest of a position, which do not change from day to day."""
    values = identifiers(listed) | {
        "description1": listed.name[:24], "description2": listed.name[24:48],
        "dividend_reinvest": "N", "capital_gains_reinvest": "N",
    }  # fmt: skip
    return record(RPS_POSITION[6:34], values).removesuffix("|")


def position_lines(frame: pl.DataFrame, master: Master, day: date) -> pl.Series:
    """RPS D1 records, one for each row of a frame.

    Args:
        frame: account_number (String), security_part (String), price_date (Date), and closing_price, quantity,
            quantity_settled and market_value as Decimal of scale 5.
        master: under which the accounts are delivered.
        day: business day of the file.
    """
    unsettled = pl.col("quantity") - pl.col("quantity_settled")
    columns = {
        "account_number": pl.col("account_number").str.pad_start(10),
        "security_part": pl.col("security_part"),
        "closing_price": number(pl.col("closing_price"), 18),
        "price_update_date": pl.col("price_date").dt.strftime("%Y%m%d").str.pad_end(17),
        "quantity_settled_and_unsettled": number(pl.col("quantity").abs()),
        "long_short_indicator": pl.when(pl.col("quantity") < 0)
        .then(pl.lit("S"))
        .otherwise(pl.lit("L"))
        .str.pad_end(17),
        "market_value_settled_and_unsettled": number(pl.col("market_value").abs()),
        "quantity_settled": number(pl.col("quantity_settled").abs()),
        "quantity_unsettled_long": number(unsettled.clip(lower_bound=0)),
        "quantity_unsettled_short": number((-unsettled).clip(lower_bound=0)),
        "closing_price_unfactored": number(pl.col("closing_price"), 18),
    }
    return record_lines(frame, _POSITION, prefix(master, day), columns)


def balance_lines(frame: pl.DataFrame, master: Master, day: date) -> pl.Series:
    """RPS D2 records, one for each row of a frame.

    Args:
        frame: account_number, title, registration (String), and cash, cash_settled and market_value as Decimal of
            scale 5; cash by trade date goes to net_credit_debit, settled cash to cash_balance_settled.
        master: under which the accounts are delivered.
        day: business day of the file.
    """
    columns = {
        "account_number": pl.col("account_number").str.pad_start(10),
        "title1": pl.col("title").str.pad_end(45),
        "registration": pl.col("registration").str.pad_end(5),
        "net_credit_debit": number(pl.col("cash")),
        "total_available_to_pay": number(pl.col("cash_settled")),
        "market_value_long": number(pl.col("market_value")),
        "net_market_value_positions_only": number(pl.col("market_value")),
        "net_market_value_positions_plus_cash_mm": number(pl.col("market_value") + pl.col("cash")),
        "cash_balance_settled": number(pl.col("cash_settled")),
    }
    zeros = dict.fromkeys(
        ("margin_balance", "money_market_funds", "market_value_short", "cash_margin_balance_settled"),
        decimal_text(0, 1),
    )
    return record_lines(frame, RPS_BALANCE, prefix(master, day) | {"record_type": "D2"} | zeros, columns)


def record_lines(
    frame: pl.DataFrame, layout: Layout, constants: dict[str, str], columns: dict[str, pl.Expr]
) -> pl.Series:
    """Records of one layout for every row of a frame.

    Args:
        frame: the rows.
        layout: names and widths.
        constants: fields that are alike in all rows; they are padded here.
        columns: fields that differ, already padded to their width.
    """
    parts: list[pl.Expr] = []
    text = ""
    for name, width in layout:
        if name in columns:
            parts += [pl.lit(text), columns[name]]
            text = "|"
        else:
            text += constants.get(name, "").ljust(width)[:width] + "|"
    return frame.select(pl.concat_str([*parts, pl.lit(text)]).alias("line"))["line"]


def number(value: pl.Expr, width: int = 17) -> pl.Expr:
    """A Decimal expression as files write it: five decimals, right-justified."""
    return value.cast(pl.Decimal(20, 5)).cast(pl.String).str.pad_start(width)


def prefix(master: Master, day: date) -> dict[str, str]:
    """The fields with which every record begins, the account's number apart."""
    return {
        "record_type": "D1", "custodian_id": CUSTODIAN_ID, "master_account_number": master.number.rjust(10),
        "master_account_name": master.name, "business_date": f"{day:%Y%m%d}",
    }  # fmt: skip


def _account_prefix(master: Master, day: date, account: Account) -> dict[str, str]:
    return prefix(master, day) | {"account_number": account.account_number.rjust(10)}


def _titles(account: Account) -> dict[str, str]:
    return {"title1": account.title, "title2": account.registration_title, "registration": account.registration}


def identifiers(listed: Security) -> dict[str, str]:
    """How records name a security."""
    return {
        "product_code": "BOND" if listed.is_bond else "EQTY",
        "product_category_code": "FIXEDINC" if listed.is_bond else "EQUITY",
        "legacy_security_type": "FI" if listed.is_bond else "EQ",
        "ticker": listed.ticker,
        "industry_ticker": listed.ticker,
        "cusip": listed.cusip or "",
        "schwab_security_number": listed.custodian_number,
        "item_issue_id": listed.issue_id,
        "isin": listed.isin,
        "sedol": listed.sedol or "",
    }


def _description(market: Market, booking: Transaction) -> str:
    name = "" if booking.security is None else f" {market.securities[booking.security].name}"
    return f"{booking.type.replace('_', ' ')}{name}"
