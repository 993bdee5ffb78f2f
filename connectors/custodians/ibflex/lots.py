"""Tax lots: open ones of OpenPositions, closed ones of Trades."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.custodians.ibflex.fields import (
    EXACT,
    IDENTIFIERS,
    MONEY,
    UNITS,
    conid_fits,
    day,
    fitting,
    has_code,
    identifiers,
    number,
    unidentified,
)
from connectors.custodians.ibflex.holdings import holding_checks, position_level, sided
from connectors.custodians.ibflex.records import Sections, base_checks, feed_frame, held_apart, merged
from connectors.custodians.ibflex.trades import level
from connectors.formats.rejects import Check
from connectors.formats.taken import Taken
from connectors.formats.values import typed, with_values

LOT: Final = "canonical.custodian_lot"
GAIN: Final = "canonical.custodian_gain"
_MAX_LOT_BYTES: Final = 80


def open_lots(sections: Sections) -> Taken:
    """Open lots: OpenPositions of level LOT."""
    records = sections.frames["OpenPosition"].filter((position_level() == "LOT").fill_null(False))
    fields = [
        day("reportDate"), number("position", UNITS), day("openDateTime"), number("costBasisMoney", MONEY),
        number("fifoPnlUnrealized", MONEY),
    ]  # fmt: skip
    lot = pl.coalesce("originatingTransactionID", "originatingOrderID", "openDateTime")
    checks = [*holding_checks(sections), *_lot_checks(lot)]
    good, rejects = held_apart(records, fields, checks, LOT)
    rows = good.with_columns(identifiers()).with_columns(
        pl.col("account").alias("account_number"),
        pl.coalesce(typed("reportDate"), "last_day").alias("as_of_date"),
        lot.alias("lot_id"),
        sided().alias("position_side"),
        typed("openDateTime").alias("acquired_date"),
        typed("position").alias("quantity"),
        typed("costBasisMoney").alias("cost_basis"),
        typed("costBasisMoney").is_not_null().alias("is_cost_known"),
        typed("fifoPnlUnrealized").alias("unrealized_gain"),
        _term("code").alias("holding_term"),
    )
    key = ["account_number", *IDENTIFIERS, "as_of_date", "lot_id", "position_side"]
    sums = {"quantity": UNITS, "cost_basis": MONEY, "unrealized_gain": MONEY}
    kept, doubled = merged(rows, key, sums, LOT)
    return Taken({LOT: feed_frame(LOT, kept)}, [rejects, doubled])


def closed_lots(sections: Sections) -> Taken:
    """Gains: closed lots in either spelling, ``<Lot>`` or ``<Trade levelOfDetail="CLOSED_LOT">``.

    Proceeds are cost and gain together; where the custodian does not know them, what it states as proceeds.
    """
    other = sections.frames["Trade"].filter(level() == "CLOSED_LOT")
    records = pl.concat([sections.frames["Lot"], other], how="diagonal").with_columns(
        pl.concat_str("notes", "code", separator=";", ignore_nulls=True).alias("codes")
    )
    fields = [
        day("tradeDate"), day("dateTime"), day("reportDate"), day("openDateTime"), number("quantity", UNITS),
        number("cost"), number("fifoPnlRealized"), number("proceeds"),
    ]  # fmt: skip
    cost, gain, is_short = typed("cost").abs(), typed("fifoPnlRealized"), typed("quantity") < 0
    known = cost + gain
    computed = {
        "proceeds_of_lot": pl.when(is_short & known.is_not_null())
        .then(cost)
        .otherwise(pl.coalesce(known, typed("proceeds").abs())),
        "cost_of_lot": pl.when(is_short).then(cost - gain).otherwise(cost),
        "gain_of_lot": gain,
    }
    valued = with_values(records, fields).with_columns(
        expression.cast(EXACT).alias(f"{name}:exact") for name, expression in computed.items()
    )
    lot = pl.coalesce("origTransactionID", "transactionID", "tradeID", "openDateTime")
    sold = pl.coalesce(typed("tradeDate"), typed("dateTime"), typed("reportDate"))
    checks = [
        *base_checks("Lot", "Trades", sections.connection),
        *(check for field in fields for check in field.checks),
        unidentified(),
        conid_fits(),
        *_lot_checks(lot),
        Check("tradeDate", "missing_value", sold.is_null() & pl.col("tradeDate").is_null(), "the record has no day."),
        Check(
            "proceeds", "missing_value",
            pl.col("proceeds").is_null() & (pl.col("cost").is_null() | pl.col("fifoPnlRealized").is_null()),
            "neither cost and fifoPnlRealized nor proceeds are given.",
        ),
    ]  # fmt: skip
    good, rejects = held_apart(
        valued, [fitting(name, pl.col(f"{name}:exact"), MONEY) for name in computed], checks, GAIN
    )
    rows = good.with_columns(identifiers()).with_columns(
        pl.col("account").alias("account_number"),
        lot.alias("lot_id"),
        typed("openDateTime").alias("acquired_date"),
        sold.alias("sold_date"),
        typed("quantity").abs().alias("quantity"),
        typed("proceeds_of_lot").alias("proceeds"),
        typed("cost_of_lot").alias("cost_basis"),
        typed("gain_of_lot").alias("realized_gain"),
        _term("codes").alias("holding_term"),
        pl.lit(sections.business_date).alias("business_date"),
    )
    return Taken({GAIN: feed_frame(GAIN, rows)}, [rejects])


def _lot_checks(lot: pl.Expr) -> list[Check]:
    return [
        Check("lot", "missing_value", lot.is_null(), "the lot has no id. Tick the transaction id in the Flex query."),
        Check("lot", "contract_violation", lot.str.len_bytes() > _MAX_LOT_BYTES, "the lot's id is too long."),
    ]


def _term(codes: str) -> pl.Expr:
    """Long or short as the list of codes says."""
    return (
        pl.when(has_code(codes, "LT"))
        .then(pl.lit("long"))
        .when(has_code(codes, "ST"))
        .then(pl.lit("short"))
        .otherwise(pl.lit("unknown"))
    )
