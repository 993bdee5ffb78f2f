"""Tax accounting (TAS): open lots, daily as changes and weekly whole, and closed lots with what they realised."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import ACCOUNT_TYPES, DELTAS, layout, meant
from connectors.formats import field_kernels as kernel
from connectors.formats import values
from connectors.formats.flat import Number, Text, Wanted
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken

LOT: Final = "canonical.custodian_lot"
GAIN: Final = "canonical.custodian_gain"
LOT_KEY: Final = ("account_number", "sub_account", "cusip", "sedol", "ticker", "position_side", "lot_id")
"""What a file may state once only."""

_YES: Final = ("Y", "1")
_NO: Final = ("N", "0")
_TERMS: Final = {"S": "short", "L": "long", "U": "unknown"}
_IDENTIFIERS: Final = ("cusip", "sedol")
_COMMON: Final[tuple[Wanted, ...]] = (
    Text("delta_indicator", 1), Text("account_number", 9, required=True), Text("account_type", 1),
    *common.identifier_fields(_IDENTIFIERS), Text("option_symbol", 30), Text("lot_id", 34, required=True),
    Text("long_short", 1), Text("wash_sale", 1), Text("covered", 1), Text("cost_exception", 1),
    Text("acquired_date", 8), Number("cost", 4),
)  # fmt: skip
_OPEN: Final[tuple[Wanted, ...]] = (
    *_COMMON, Text("out_of_balance", 1), Number("quantity", 8), Number("unrealized_gain", 4),
    Number("cost_before_wash", 4),
)  # fmt: skip
_CLOSED: Final[tuple[Wanted, ...]] = (
    *_COMMON, Text("sold_date", 8), Text("term", 1), Number("quantity", 8, required=True),
    Number("proceeds", 4, required=True), Number("realized_gain", 4), Number("disallowed_loss", 4),
)  # fmt: skip


def taken_lots(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Open lots of the data lines. A lot that a delta says is gone has no quantity and no cost."""
    read, checks = _read(lines, "TLAOPEN", _OPEN, ("acquired_date",), connection)
    is_gone = (pl.col("state") == "gone").fill_null(False)
    flags = ("wash_sale", "covered", "cost_exception", "out_of_balance")
    checks += [
        *(_flag_check(name) for name in flags),
        Check(
            "quantity", "missing_value", (pl.col("quantity:fault") == kernel.BLANK) & ~is_gone,
            "quantity is required and blank. Ask the provider for the record again.",
        ),
    ]  # fmt: skip
    good, rejects = separated(read, checks, LOT)
    is_doubtful = _flag("cost_exception").fill_null(False) | _flag("out_of_balance").fill_null(False)
    added = pl.col("cost") - pl.col("cost_before_wash")
    quantity = pl.when(is_gone).then(values.zero(8)).otherwise(_directed())
    rows = good.select(
        *_row(connection),
        pl.lit(header.created).alias("as_of_date"),
        _side(quantity),
        quantity.alias("quantity"),
        pl.when(is_gone & pl.col("cost").is_not_null()).then(values.zero(4)).otherwise(pl.col("cost"))
        .alias("cost_basis"),
        (pl.col("cost").is_not_null() & ~is_doubtful).alias("is_cost_known"),
        _flag("covered").alias("is_covered"),
        pl.when(~is_gone).then(pl.col("unrealized_gain")).alias("unrealized_gain"),
        pl.when(_flag("wash_sale") & (added > 0)).then(added).alias("disallowed_loss"),
        pl.lit("unknown").alias("holding_term"),
    )  # fmt: skip
    return Taken({LOT: rows}, (rejects,))


def taken_gains(lines: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Closed lots of the data lines; one that is taken back is held for a person, for it has no row to take back."""
    days = ("acquired_date", "sold_date")
    read, checks = _read(lines, "TLACLOSED", _CLOSED, days, connection)
    read = read.with_columns(
        pl.col("term").replace_strict(_TERMS, default=None, return_dtype=pl.String).alias("term:meaning")
    )
    checks += [
        *(_flag_check(name) for name in ("wash_sale", "covered", "cost_exception")),
        Check("sold_date", "missing_value", pl.col("sold_date:day").is_null(), "sold_date is required."),
        common.unknown("term", "term:meaning", "lots.py"),
        Check(
            "delta_indicator", "unmatched_cancel", pl.col("state") == "gone",
            "a closed lot is taken back. Compare the account's gains with the custodian's.",
        ),
    ]  # fmt: skip
    good, rejects = separated(read, checks, GAIN)
    rows = good.select(
        *_row(connection),
        pl.col("sold_date:day").alias("sold_date"),
        pl.col("quantity").abs().alias("quantity"),
        pl.col("proceeds"),
        pl.col("cost").alias("cost_basis"),
        pl.col("realized_gain"),
        pl.when(pl.col("disallowed_loss") != 0).then(pl.col("disallowed_loss").abs()).alias("disallowed_loss"),
        pl.col("term:meaning").fill_null("unknown").alias("holding_term"),
        pl.lit(header.created).alias("business_date"),
    )
    return Taken({GAIN: rows}, (rejects,))


def _read(
    lines: pl.DataFrame,
    kind: str,
    wanted: tuple[Wanted, ...],
    days: tuple[str, ...],
    connection: Connection,
) -> tuple[pl.DataFrame, list[Check]]:
    """The fields of a lot with their checks, and what its codes mean."""
    read, checks = common.read(lines, layout(kind, "D"), wanted)
    read = common.with_days(read, days).with_columns(
        meant(pl.col("account_type"), ACCOUNT_TYPES, "sub_account", connection).alias("sub_account"),
        meant(pl.col("delta_indicator"), DELTAS, "state", connection).alias("state"),
        pl.col("option_symbol").alias("ticker"),
        common.cusip(),
    )
    sides = pl.col("long_short").is_not_null() & ~pl.col("long_short").is_in(["L", "S"])
    return read, [
        *checks,
        *common.day_checks(days),
        *common.foreign(connection),
        common.account_check(),
        common.nameless(("cusip", "sedol", "ticker")),
        common.unknown("account_type", "sub_account", ACCOUNT_TYPES.path.name),
        common.unknown("delta_indicator", "state", DELTAS.path.name),
        Check("long_short", "unknown_code", sides, pl.format("long_short {} is not known.", pl.col("long_short"))),
    ]


def _row(connection: Connection) -> list[pl.Expr]:
    """The columns that open and closed lots share."""
    return [
        pl.col("line").alias("source_line"),
        pl.col("account_number"),
        pl.col("lot_id"),
        *(pl.col(name) for name in ("cusip", "sedol", "ticker", "sub_account")),
        pl.col("acquired_date:day").alias("acquired_date"),
        pl.lit(connection.base_currency).alias("currency"),
    ]


def _directed() -> pl.Expr:
    """The quantity, negative for a short lot even where only the code says so."""
    quantity = pl.col("quantity")
    return pl.when((pl.col("long_short") == "S") & (quantity > 0)).then(-quantity).otherwise(quantity)


def _side(quantity: pl.Expr) -> pl.Expr:
    is_short = (pl.col("long_short") == "S").fill_null(False) | (quantity < 0)
    return pl.when(is_short).then(pl.lit("short")).otherwise(pl.lit("long")).alias("position_side")


def _flag(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_not_null()).then(pl.col(name).is_in(_YES))


def _flag_check(name: str) -> Check:
    is_other = pl.col(name).is_not_null() & ~pl.col(name).is_in([*_YES, *_NO])
    return Check(name, "unknown_code", is_other, pl.format(f"{name} {{}} is neither yes nor no.", pl.col(name)))
