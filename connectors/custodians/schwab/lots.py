"""Open lots (ULT taxable, ULN not) and realised gains (RLY)."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.schwab import prefix
from connectors.custodians.schwab.envelope import Header
from connectors.custodians.schwab.tables import FLAGS, TERMS, layout
from connectors.formats import delimited, fixed_width, values
from connectors.formats.fixed_width import Cut
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken, misfit
from connectors.formats.values import Field, checks_of, typed, with_values

LOT: Final = "canonical.custodian_lot"
GAIN: Final = "canonical.custodian_gain"
_IDENTIFIERS: Final = ("cusip", "isin", "sedol", "symbol", "schwab_security_number", "item_issue_id")
_SIDE: Final = "long_short_indicator"
_SIDES: Final = {"L": "long", "S": "short"}
_LOT_MONEY: Final = ("cost_basis", "unrealized_gain_loss", "disallowed_loss")
_GAIN_MONEY: Final = ("proceeds", "cost_basis", "realized_gain_loss", "disallowed_loss")
_CODES: Final = ("holding_term", "fully_known_indicator", _SIDE)
_HOLDING: Final = ("account_number", "provider_security_id", "cusip", "ticker")


def taken_lots(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Open lots of DL records. A cost that is not fully known is none, whatever number stands there.

    The records carry no id: ``lot_id`` is left to ``with_places``, which sees the whole file.
    """
    names = ["quantity", "acquired_date", *_LOT_MONEY]
    shaped = fixed_width.cut(records, layout("CRS.ULT", "DL"), [*_common(), *names])
    fields = [*_common_fields(connection), values.date("acquired_date"), *_numbers(_LOT_MONEY)]
    good, rejects, misfits = _parted(shaped, fields, header, connection, LOT)
    is_known = _is_known()
    rows = good.select(
        *prefix.identifiers(),
        *_shared_columns(connection),
        pl.lit(header.business_date).alias("as_of_date"),
        typed(_SIDE).alias("position_side"),
        typed("acquired_date").alias("acquired_date"),
        pl.when(typed(_SIDE) == "short").then(-typed("quantity")).otherwise(typed("quantity")).alias("quantity"),
        is_known.alias("is_cost_known"),
        pl.when(is_known).then(typed("unrealized_gain_loss")).alias("unrealized_gain"),
    )
    return Taken({LOT: rows}, (misfits, rejects))


def taken_gains(records: pl.DataFrame, header: Header, connection: Connection) -> Taken:
    """Closed lots of DG records, year to date. The columns of this file are not public: see README.md."""
    names = ["quantity", "acquired_date", "sold_date", *_GAIN_MONEY]
    shaped = delimited.cut(records, layout("CRS.RLY", "DG"), [*_common(), *names], shape=delimited.Shape())
    fields = [
        *_common_fields(connection),
        values.date("acquired_date"),
        values.date("sold_date", required=True),
        *_numbers(_GAIN_MONEY, required=("proceeds",)),
    ]
    good, rejects, misfits = _parted(shaped, fields, header, connection, GAIN)
    rows = good.select(
        *prefix.identifiers(),
        *_shared_columns(connection),
        typed("acquired_date").alias("acquired_date"),
        typed("sold_date").alias("sold_date"),
        typed("quantity").alias("quantity"),
        typed("proceeds").alias("proceeds"),
        pl.when(_is_known()).then(typed("realized_gain_loss")).alias("realized_gain"),
        pl.lit(header.business_date).alias("business_date"),
    )
    return Taken({GAIN: rows}, (misfits, rejects))


def with_places(table_name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a whole file with ``lot_id``: a lot's place within its holding, a gain's within its sale."""
    sort = "position_side" if table_name == LOT else "sold_date"
    place = pl.int_range(1, pl.len() + 1).over(*_HOLDING, sort)
    return rows.with_columns(pl.format("#{}", place).alias("lot_id"))


def _common() -> list[str]:
    return [*prefix.PREFIX_FIELDS, "account_number", *_IDENTIFIERS, *_CODES]


def _common_fields(connection: Connection) -> list[Field]:
    lengths = {"symbol": 64, "cusip": 9, "isin": 12, "sedol": 7}
    return [
        *prefix.prefix_fields(),
        prefix.account_field(),
        *(values.text(name, max_length=lengths.get(name, 20)) for name in _IDENTIFIERS),
        values.decimal("quantity", scale=8, required=True, unsigned=True),
        values.code(_SIDE, _SIDES, required=True, where="lots.py"),
        values.code("holding_term", TERMS.meaning("holding_term", connection.codes.get("terms")), where="terms.csv"),
        values.code("fully_known_indicator", FLAGS.meaning("is_set", connection.codes.get("flags")), where="flags.csv"),
    ]


def _numbers(names: tuple[str, ...], required: tuple[str, ...] = ()) -> list[Field]:
    return [
        values.decimal(name, scale=4, required=name in required, unsigned=name == "disallowed_loss") for name in names
    ]


def _parted(
    shaped: Cut, fields: list[Field], header: Header, connection: Connection, table_name: str
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    nameless = pl.all_horizontal(pl.col(name).is_null() for name in _IDENTIFIERS)
    checks = [
        *checks_of(fields),
        *prefix.prefix_checks(header, connection),
        Check("schwab_security_number", "missing_value", nameless, "the record identifies no security."),
    ]
    read = with_values(shaped.records, fields).with_columns(pl.col("symbol").alias("ticker"))
    good, rejects = separated(read, checks, table_name)
    return good, rejects, rejected(shaped.misfits, misfit(), table_name)


def _is_known() -> pl.Expr:
    said = typed("fully_known_indicator") == "true"
    return said.fill_null(value=False) & typed("cost_basis").is_not_null()


def _shared_columns(connection: Connection) -> list[pl.Expr]:
    return [
        pl.col("line").alias("source_line"),
        prefix.account_number(),
        pl.lit("").alias("lot_id"),
        pl.when(_is_known()).then(typed("cost_basis")).alias("cost_basis"),
        typed("disallowed_loss").alias("disallowed_loss"),
        typed("holding_term").fill_null("unknown").alias("holding_term"),
        pl.lit(connection.base_currency).alias("currency"),
    ]
