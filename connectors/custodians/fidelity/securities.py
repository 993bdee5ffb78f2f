"""Security master: record 1 of each security with its prices and factors; its further records are passed over."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.positions import PRICE, prices, quoted_price
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import SECURITY_TYPE, layout, meant
from connectors.formats.flat import Number, Text, Wanted
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken

SECURITY: Final = "canonical.security"
BEGINS: Final = ("D1",)
"""How the first line of a logical record begins."""

_ADDITIONS: Final = "0123456789BCFP"
_DAYS: Final = ("maturity_date", "price_date")
_WANTED: Final[tuple[Wanted, ...]] = (
    *common.identifier_fields(), Text("symbol", 9), Text("option_symbol", 30), Text("security_type", 2),
    Text("description", 255), Text("currency", 3), Text("issue_country", 2),
    *(Text(name, 8) for name in _DAYS), Number("coupon_rate", 8), Number("factor", 8), Number("cpi_ratio", 8),
    Number("closing_price", 8), Number("unfactored_price", 8),
)  # fmt: skip


def taken_securities(lines: pl.DataFrame, header: Header, connection: Connection) -> tuple[Taken, int]:
    """Securities and prices of whole logical records, and the number of these.

    A security whose type is not known is held back: as a guess it could be wrong by a factor of a hundred.
    """
    text = pl.col("text")
    kind = text.str.slice(1, 1)
    is_addition = (kind == "2") & text.str.slice(2, 1).is_in(list(_ADDITIONS))
    marked = lines.with_columns(kind.alias("kind"), (kind == "1").cum_sum().alias("group"))
    first = marked.filter(pl.col("kind") == "1")
    orphans = marked.filter(is_addition & (pl.col("group") == 0))
    strangers = marked.filter((pl.col("kind") != "1") & ~is_addition)
    detail = "an addition to a security whose first record is missing. Ask for the file again."
    rejects = [
        rejected(orphans, Check("record_number", "missing_value", pl.lit(True), detail), SECURITY),
        rejected(
            strangers,
            Check("record_number", "unknown_record_type", pl.lit(True), "the record number is not known."),
            SECURITY,
        ),
    ]
    rows, held = _securities(first, header, connection)
    count = first.height + orphans.height + strangers.height
    return Taken({SECURITY: rows, PRICE: prices(rows)}, (*rejects, held)), count


def _securities(lines: pl.DataFrame, header: Header, connection: Connection) -> tuple[pl.DataFrame, pl.DataFrame]:
    read, checks = common.read(lines, layout("SECMAST", "1"), _WANTED)
    read = common.with_days(read, _DAYS).with_columns(
        *(
            meant(pl.col("security_type"), SECURITY_TYPE, column, connection).alias(f"type:{column}")
            for column in SECURITY_TYPE.meanings
        ),
        pl.coalesce("option_symbol", "symbol").alias("ticker"),
        pl.col("closing_price").alias("market_price"),
        common.cusip(),
        *(pl.when(pl.col(name) > 0).then(pl.col(name)).alias(f"{name}:stated") for name in ("factor", "cpi_ratio")),
    )
    is_both = (pl.col("factor:stated") != 1) & (pl.col("cpi_ratio:stated") != 1)
    checks += [
        *common.day_checks(_DAYS),
        *common.foreign(connection),
        common.currency_check(),
        common.nameless(("cusip", "isin", "sedol", "ticker")),
        common.unknown("security_type", "type:meaning", SECURITY_TYPE.path.name),
        Check("security_type", "missing_value", pl.col("security_type").is_null(), "the record has no security type."),
        Check(
            "issue_country", "contract_violation", ~pl.col("issue_country").str.contains("^[A-Z]{2}$"),
            "the country is not two capital letters.",
        ),
        Check("cpi_ratio", "contract_violation", is_both, "a security with both a factor and a CPI ratio."),
    ]  # fmt: skip
    good, rejects = separated(read, checks, SECURITY)
    # Six lines of twenty characters, of which some break in the middle of a word and some are filled with blanks.
    name = pl.col("description").str.replace_all(" +", " ")
    price = quoted_price()
    scale = pl.when(pl.col("factor:stated") != 1).then(pl.col("factor:stated"))
    rows = good.select(
        pl.col("line").alias("source_line"),
        *(pl.col(column) for column in ("cusip", "isin", "sedol", "ticker")),
        pl.coalesce(name, "ticker", "cusip", "isin", "sedol").alias("security_name"),
        pl.col("type:meaning").alias("security_type"),
        pl.col("type:asset_class").alias("asset_class"),
        common.currency(connection),
        *(pl.col(f"type:{column}").cast(pl.Decimal(20, 8)).alias(column) for column in ("price_factor", "multiplier")),
        pl.col("maturity_date:day").alias("maturity_date"),
        pl.when(pl.col("coupon_rate") > 0).then(pl.col("coupon_rate")).alias("coupon_percent"),
        pl.coalesce(scale, "cpi_ratio:stated", "factor:stated").alias("pool_factor"),
        pl.col("issue_country"),
        pl.lit(header.created).alias("business_date"),
        price.alias("price"),
        pl.when(price.is_not_null()).then(pl.col("price_date:day")).alias("price_date"),
    )
    return rows, rejects
