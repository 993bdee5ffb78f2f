"""Positions with their prices, and cash balances, as the custodian states them at the end of a statement."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.custodians.ibflex.fields import (
    IDENTIFIERS,
    MONEY,
    UNITS,
    conid_fits,
    day,
    identifiers,
    mapped,
    number,
    unidentified,
    unknown,
)
from connectors.custodians.ibflex.records import Sections, base_checks, feed_frame, held_apart, merged
from connectors.custodians.ibflex.tables import ASSETS, meaning
from connectors.formats.rejects import Check
from connectors.formats.taken import Taken
from connectors.formats.values import typed

POSITION: Final = "canonical.custodian_position"
BALANCE: Final = "canonical.custodian_balance"
PRICE: Final = "canonical.price"
_LEVELS: Final = ("SUMMARY", "LOT")
_BASE: Final = "BASE_SUMMARY"


def position_level() -> pl.Expr:
    """SUMMARY or LOT. Both levels state the whole position: never are they added up."""
    return pl.col("levelOfDetail").str.to_uppercase()


def holding_checks(sections: Sections) -> list[Check]:
    """What positions and lots have in common."""
    instruments = meaning(ASSETS, "security_type", sections.connection)
    instrument = mapped(pl.format("{}/", "assetCategory"), instruments)
    side = pl.col("side")
    return [
        *base_checks("OpenPosition", "OpenPositions", sections.connection),
        unidentified(),
        conid_fits(),
        unknown("assetCategory", pl.col("assetCategory"), instrument, "assets"),
        Check("side", "unknown_code", ~side.is_in(["Long", "Short"]), "side is neither Long nor Short."),
    ]


def positions(sections: Sections) -> Taken:
    """Positions of level SUMMARY and the prices in them; rejects for records of a level that is not known."""
    detail = pl.format("level {} is not known.", position_level().str.slice(0, 24))
    strange = Check("levelOfDetail", "unknown_code", ~position_level().is_in(_LEVELS), detail)
    records = sections.frames["OpenPosition"].filter((position_level() != "LOT").fill_null(True))
    fields = [
        day("reportDate"), number("position", UNITS), number("markPrice", UNITS), number("positionValue", MONEY),
        number("accruedInt", MONEY),
    ]  # fmt: skip
    good, rejects = held_apart(records, fields, [*holding_checks(sections), strange], POSITION)
    rows = good.with_columns(identifiers()).with_columns(
        pl.col("account").alias("account_number"),
        pl.coalesce(typed("reportDate"), "last_day").alias("as_of_date"),
        sided().alias("position_side"),
        typed("position").alias("quantity"),
        typed("markPrice").alias("price"),
        typed("positionValue").alias("market_value"),
        typed("accruedInt").alias("accrued_interest"),
    )
    rows = rows.with_columns(pl.when(pl.col("price").is_not_null()).then("as_of_date").alias("price_date"))
    key = ["account_number", *IDENTIFIERS, "as_of_date", "position_side"]
    sums = {"quantity": UNITS, "market_value": MONEY, "accrued_interest": MONEY}
    kept, doubled = merged(rows, key, sums, POSITION)
    prices = kept.filter(pl.col("price").is_not_null()).unique(
        [*IDENTIFIERS, "price_date", "currency", "price"], keep="first", maintain_order=True
    )
    return Taken({POSITION: feed_frame(POSITION, kept), PRICE: feed_frame(PRICE, prices)}, [rejects, doubled])


def sided() -> pl.Expr:
    """Long or short: as stated, else by the sign of the position."""
    stated = pl.col("side").str.to_lowercase()
    return pl.coalesce(stated, pl.when(typed("position") < 0).then(pl.lit("short")).otherwise(pl.lit("long")))


def balances(sections: Sections) -> Taken:
    """Cash by trade date and settled, one row per currency and kind; the sum in base currency is no balance."""
    records = sections.frames["CashReportCurrency"].filter((pl.col("currency") != _BASE).fill_null(True))
    fields = [day("toDate"), number("endingCash", MONEY), number("endingSettledCash", MONEY)]
    none = Check(
        "endingCash", "missing_value", pl.col("endingCash").is_null() & pl.col("endingSettledCash").is_null(),
        "neither endingCash nor endingSettledCash is given. Tick both in the Flex query.",
    )  # fmt: skip
    checks = [*base_checks("CashReportCurrency", "CashReport", sections.connection), none]
    good, rejects = held_apart(records, fields, checks, BALANCE)
    stated = good.with_columns(
        pl.col("account").alias("account_number"), pl.coalesce(typed("toDate"), "last_day").alias("as_of_date")
    )
    kinds = {"endingCash": "cash_trade_date", "endingSettledCash": "cash_settled"}
    rows = pl.concat(
        stated.filter(typed(name).is_not_null()).with_columns(
            pl.lit(kind).alias("balance_type"), typed(name).alias("balance")
        )
        for name, kind in kinds.items()
    ).sort("line", maintain_order=True)
    key = ["account_number", "currency", "balance_type", "as_of_date"]
    kept, doubled = merged(rows, key, {"balance": MONEY}, BALANCE)
    return Taken({BALANCE: feed_frame(BALANCE, kept)}, [rejects, doubled])
