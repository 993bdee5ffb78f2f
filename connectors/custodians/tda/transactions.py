"""Transactions (TRN, and INI for history): magnitudes and codes into our signs and types."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.tda import tables
from connectors.custodians.tda.content import (
    QUOTE,
    SEPARATOR,
    Named,
    day_fields,
    field_counts,
    is_own,
    with_days,
)
from connectors.custodians.tda.identifiers import is_cash, with_identifiers
from connectors.errors import FeedFault
from connectors.formats.field_kernels import BLANK
from connectors.formats.flat import FlatLayout, Number, Text, Wanted, read_records
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import checks_of, typed, with_values, zero

TABLE: Final = "canonical.transaction"
RECORDS: Final = ("plain", "activity")
_DAYS: Final = ("file_date", "trade_date", "settle_date")
_MONEY: Final = ("net_amount", "principal", "broker_fee", "other_fee", "accrued_interest")
_STEP: Final = Decimal("0.00000001")
_WANTED: Final[tuple[Wanted, ...]] = (
    Text("advisor_rep_code", max_length=64),
    Text("account_number", max_length=64, required=True),
    Text("transaction_code", max_length=32, required=True),
    Text("cancel_status_flag", max_length=12),
    Text("symbol", max_length=64),
    Text("security_code", max_length=12),
    Text("account_type", max_length=12),
    *(Text(name, max_length=10) for name in _DAYS),
    Number("quantity", scale=8),
    *(Number(name, scale=4) for name in _MONEY),
)


def layout_of(lines: pl.DataFrame) -> FlatLayout:
    """The layout with as many fields as most lines have: an older variant has one field more, the activity."""
    counts = field_counts(lines["text"])
    layouts = [tables.layout("TRN", record) for record in RECORDS]
    return max(layouts, key=lambda layout: int((counts == len(layout.fields)).sum()))


def taken_transactions(lines: pl.DataFrame, named: Named, connection: Connection, *, is_history: bool) -> Taken:
    """The canonical transactions of a file's lines, and the lines held back.

    Args:
        lines: of the whole file, for all of them decide on the variant and on how dates are written.
        named: what the name says.
        connection: the agreement.
        is_history: of an INI file, whose lines are of many days.

    Raises:
        FeedFault: malformed_document, wrong_business_date.
    """
    read, checks = read_records(lines, layout_of(lines), _WANTED, separator=SEPARATOR, quote=QUOTE)
    read, form = with_days(read, _DAYS)
    days = day_fields(form, _DAYS, required=("trade_date",))
    read = with_values(read, days).with_columns(_meanings(connection))
    if not is_history:
        _refuse_another_day(read, named)
    read = read.with_columns(_signed()).with_columns(price())
    whole = pl.col("record:fault") == 0
    own = [*checks_of(days), *_checks(named, connection, is_history=is_history)]
    # A line of another shape has no fields at all: it is said once what is wrong with it.
    own = [Check(c.field_name, c.reason, c.failed & whole, c.detail) for c in own]
    good, rejects = separated(read, [*checks, *own], TABLE)
    rows = with_identifiers(good, connection).select(_row(connection))
    return Taken({TABLE: conformed(TABLE, rows)}, (rejects,))


def _refuse_another_day(read: pl.DataFrame, named: Named) -> None:
    stated = read.select(typed("file_date").alias("day"), "line").drop_nulls("day")
    if stated.height and stated["day"].n_unique() == 1 and stated["day"][0] != named.day:
        detail = f"the lines are of {stated['day'][0]}, the name of {named.day}. Ask which is right."
        raise FeedFault("wrong_business_date", detail, line=int(stated["line"][0]), record_count=read.height)


def _meanings(connection: Connection) -> list[pl.Expr]:
    code = pl.col("transaction_code").str.to_uppercase()
    in_short = pl.col("account_type").str.to_uppercase().is_in(_short_codes(connection))
    said = {name: _table(name, code, connection) for name in tables.TRANSACTIONS.meanings}
    kind = pl.coalesce(
        pl.when(is_cash()).then(said["cash_type"]), pl.when(in_short).then(said["short_type"]),
        said["transaction_type"],
    )  # fmt: skip
    flags = tables.meanings(tables.FLAGS, "is_set", connection)
    parts = tables.meanings(tables.ACCOUNT_TYPES, "sub_account", connection)
    factors = tables.meanings(tables.SECURITY_TYPE_CODES, "price_factor", connection)
    multipliers = tables.meanings(tables.SECURITY_TYPE_CODES, "multiplier", connection)
    security = pl.col("security_code").str.to_uppercase()
    is_paid_cash = is_cash() & said["cash_type"].is_not_null()
    return [
        kind.alias("type"),
        pl.when(is_paid_cash).then(pl.lit("zero")).otherwise(said["quantity_sign"]).alias("quantity_sign"),
        pl.when(is_paid_cash).then(said["quantity_sign"]).otherwise(said["amount_sign"]).alias("amount_sign"),
        tables.mapped(pl.col("cancel_status_flag").str.to_uppercase(), flags).alias("is_cancelling"),
        tables.mapped(pl.col("account_type").str.to_uppercase(), parts).alias("sub_account"),
        (
            tables.mapped(security, factors).cast(pl.Decimal(20, 8))
            * tables.mapped(security, multipliers).cast(pl.Decimal(20, 8))
        ).cast(pl.Decimal(20, 8)).alias("money_per_quoted"),
    ]  # fmt: skip


def _table(column: str, code: pl.Expr, connection: Connection) -> pl.Expr:
    return tables.mapped(code, tables.meanings(tables.TRANSACTIONS, column, connection))


def _short_codes(connection: Connection) -> list[str]:
    parts = tables.meanings(tables.ACCOUNT_TYPES, "sub_account", connection)
    return [code for code, part in parts.items() if part == "short"]


def _signed() -> list[pl.Expr]:
    quantity, amount = pl.col("quantity").fill_null(zero(8)), pl.col("net_amount").fill_null(zero(4))
    return [
        _with_sign(pl.col("quantity_sign"), quantity).fill_null(zero(8)).alias("signed_quantity"),
        _with_sign(pl.col("amount_sign"), amount).fill_null(zero(4)).alias("signed_amount"),
    ]


def _with_sign(sign: pl.Expr, value: pl.Expr) -> pl.Expr:
    """The value as the table says: as stated, or its size added or taken; nought where the type moves nothing."""
    return (
        pl.when(sign.is_in(["stated", "plus"])).then(value).when(sign == "minus").then(-value)
    )  # fmt: skip


def price() -> pl.Expr:
    """The price per unit as quoted, which is not sent: principal ÷ quantity ÷ (factor × multiplier), half-even.

    Null where one of them is not stated or not known, and beyond what 128 bits can divide (a principal of 10^12).
    """
    quantity, money, factor = _scaled("quantity", 8), _scaled("principal", 4), _scaled("money_per_quoted", 8)
    below = quantity * factor
    above = money * pl.lit(10**20, dtype=pl.Int128)  # 8 places of the price, 8 of the factor, 4 more than the money's
    whole = above // below
    twice = (above - whole * below) * 2
    up = (twice > below) | ((twice == below) & (whole % 2 == 1))
    fits = (quantity > 0) & (factor > 0) & money.is_between(1, 10**16)
    scaled = pl.when(fits).then(whole + up.cast(pl.Int128)).cast(pl.Decimal(38, 0), strict=False)
    return (scaled * pl.lit(_STEP)).cast(pl.Decimal(20, 8), strict=False).alias("price")


def _scaled(name: str, scale: int) -> pl.Expr:
    """The size of a Decimal column as an integer of its last decimal."""
    units: int = 10**scale
    return (pl.col(name).abs() * units).cast(pl.Decimal(38, 0)).cast(pl.Int128)


def _checks(named: Named, connection: Connection, *, is_history: bool) -> list[Check]:
    code, flag, part = pl.col("transaction_code"), pl.col("cancel_status_flag"), pl.col("account_type")
    unknown = "{} is not known. If it is right, add it to {}."
    moves = pl.col("quantity_sign").is_in(["plus", "minus"])
    pays = pl.col("amount_sign").is_in(["plus", "minus"])
    other_day = pl.lit(value=False) if is_history else typed("file_date") != named.day
    minus = "{} carries a minus, though its code says the direction. If the feed signs it, say so in codes.csv."
    foreign = pl.col("advisor_rep_code").map_batches(lambda s: ~is_own(s, connection), return_dtype=pl.Boolean)
    return [
        Check(
            "advisor_rep_code", "foreign_account", foreign,
            "the rep code is none of the connection's. Ask why it was delivered, or add it to the connection.",
        ),
        Check("file_date", "impossible_date", other_day, "the line is of another day than the file's name."),
        Check(
            "transaction_code", "unknown_code", code.is_not_null() & pl.col("type").is_null(),
            pl.format(unknown, pl.format("transaction code {}", code), pl.lit("codes.csv")),
        ),
        Check(
            "cancel_status_flag", "unknown_code", flag.is_not_null() & pl.col("is_cancelling").is_null(),
            pl.format(unknown, pl.format("cancel flag {}", flag), pl.lit("flags.csv")),
        ),
        Check(
            "account_type", "unknown_code", part.is_not_null() & pl.col("sub_account").is_null(),
            pl.format(unknown, pl.format("account type {}", part), pl.lit("account_types.csv")),
        ),
        Check("symbol", "missing_value", moves & is_cash(), "the type moves a security, and none is named."),
        Check("quantity", "missing_value", moves & _is_blank("quantity"), "the type needs a quantity."),
        Check("net_amount", "missing_value", (pays | (pl.col("amount_sign") == "stated")) & _is_blank("net_amount"),
              "the type needs an amount."),
        Check("quantity", "number_out_of_range", moves & (pl.col("quantity") < 0), minus.format("quantity")),
        Check("net_amount", "number_out_of_range", pays & (pl.col("net_amount") < 0), minus.format("net_amount")),
        *(
            Check(name, "number_out_of_range", pl.col(name) < 0, f"{name} is negative. Ask what it means.")
            for name in ("broker_fee", "other_fee", "accrued_interest")
        ),
    ]  # fmt: skip


def _is_blank(name: str) -> pl.Expr:
    return pl.col(f"{name}:fault") == BLANK


def _row(connection: Connection) -> list[pl.Expr]:
    none = zero(4)
    return [
        pl.col("cusip"),
        pl.col("ticker"),
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("type").alias("transaction_type"),
        typed("trade_date").alias("trade_date"),
        pl.coalesce(typed("settle_date"), typed("trade_date")).alias("settle_date"),
        pl.col("signed_quantity").alias("quantity"),
        pl.col("price"),
        pl.col("signed_amount").alias("amount"),
        pl.lit(connection.base_currency).alias("currency"),
        pl.col("broker_fee").fill_null(none).alias("commission"),
        pl.col("other_fee").fill_null(none).alias("fees"),
        pl.col("accrued_interest").fill_null(none),
        none.alias("tax_withheld"),
        (pl.col("is_cancelling") == "true").fill_null(value=False).alias("is_cancel"),
        pl.col("transaction_code").str.to_uppercase().alias("provider_code"),
    ]
