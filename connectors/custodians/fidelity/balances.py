"""Account balances, as one line of 1500 characters or, in the older form, as segments of 101."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.fidelity import records as common
from connectors.custodians.fidelity.records import Header
from connectors.custodians.fidelity.tables import ACCOUNT_TYPES, AMOUNTS, layout, meanings, meant
from connectors.formats.flat import Number, Text, Wanted
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken

BALANCE: Final = "canonical.custodian_balance"
KEY: Final = ("account_number", "currency", "balance_type")
"""What a file may state once only."""
SEGMENT_BEGINS: Final = ("01",)
"""How the first segment of a logical record begins."""

_PARTS: Final = 10
_STATED: Final = ("net_trade_date_balance", "settled_cash", "core_sweep_amount", "non_core_money_market")
_TYPES: Final = tuple(f"account_type_{place}" for place in range(1, _PARTS + 1))
_SETTLED: Final = tuple(f"settlement_date_balance_{place}" for place in range(1, _PARTS + 1))
_ORDER: Final = "01020304050607080910"
_FIXED: Final = 5
"""Segments that every logical record has; those behind them hold two account types each."""


def taken_balances(lines: pl.DataFrame, header: Header, connection: Connection) -> tuple[Taken, int]:
    """Balances of whole logical records, and the number of these."""
    if header.is_segmented:
        return _taken_segments(lines, header, connection)
    wanted: list[Wanted] = [
        Text("account_number", 9, required=True),
        *(Number(name, 4) for name in (*_STATED, *_SETTLED)),
        *(Text(name, 1) for name in _TYPES),
    ]
    read, checks = common.read(lines, layout("ACCTBAL", "D"), wanted)
    rows, rejects = _balances(read, checks, header, connection, _PARTS)
    return Taken({BALANCE: rows}, (rejects,)), lines.height


def _balances(
    read: pl.DataFrame, checks: list[Check], header: Header, connection: Connection, parts: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A row for every balance that a record states and that ``amounts.csv`` gives a type.

    The core fund is a holding of the position file: as a balance too it would count twice, so it has no type there.
    """
    read = read.with_columns(_margin(connection, parts).alias("margin_balance"))
    kinds = meanings(AMOUNTS, "balance_type", connection)
    plus = meanings(AMOUNTS, "plus_means", connection)
    fields = [name for name in (*_STATED, "margin_balance") if name in kinds and name in read.columns]
    nothing = pl.all_horizontal(pl.col(name).is_null() for name in fields) if fields else pl.lit(True)
    named = "account_type {} is not known. If it is right, add it to account_types.csv."
    checks = [
        *checks,
        *common.foreign(connection),
        common.account_check(),
        Check("net_trade_date_balance", "missing_value", nothing, "the record states no balance that is taken."),
        *(
            Check(
                name, "unknown_code",
                pl.col(name).is_not_null() & meant(pl.col(name), ACCOUNT_TYPES, "sub_account", connection).is_null(),
                pl.format(named, pl.col(name)),
            )
            for name in _TYPES[:parts]
        ),
    ]  # fmt: skip
    good, rejects = separated(read, checks, BALANCE)
    stated = [
        good.select(
            pl.col("line").alias("source_line"),
            pl.col("account_number"),
            pl.lit(header.created).alias("as_of_date"),
            pl.lit(connection.base_currency).alias("currency"),
            pl.lit(kinds[name]).alias("balance_type"),
            (-pl.col(name) if plus.get(name) == "debit" else pl.col(name)).alias("balance"),
        ).filter(pl.col("balance").is_not_null())
        for name in fields
    ]
    empty = good.clear().select(pl.col("line").alias("source_line"))
    return (pl.concat(stated).sort("source_line", maintain_order=True) if stated else empty), rejects


def _margin(connection: Connection, parts: int) -> pl.Expr:
    """Settled balance of the account types that are margin, null where the record has none."""
    is_margin = [meant(pl.col(name), ACCOUNT_TYPES, "sub_account", connection) == "margin" for name in _TYPES[:parts]]
    balances = [pl.when(flag).then(pl.col(name)) for flag, name in zip(is_margin, _SETTLED, strict=False)]
    has_any = pl.any_horizontal(balance.is_not_null() for balance in balances)
    return pl.when(has_any).then(pl.sum_horizontal(balances).cast(pl.Decimal(20, 4), strict=False))


def _taken_segments(lines: pl.DataFrame, header: Header, connection: Connection) -> tuple[Taken, int]:
    """Logical records put together from their segments; whatever is wrong in one is told of the first."""
    segment = pl.col("text").str.slice(0, 2)
    marked = lines.with_columns(segment.alias("segment"), (segment == "01").cum_sum().alias("group"))
    orphans = marked.filter(pl.col("group") == 0)
    detail = "a segment whose first segment is missing. Ask for the file again."
    lost = rejected(orphans, Check("segment", "missing_value", pl.lit(True), detail), BALANCE)
    whole = marked.filter(pl.col("group") > 0)
    first = whole.filter(pl.col("segment") == "01")
    wanted: list[Wanted] = [Text("account_number", 9, required=True), Number("net_trade_date_balance", 4)]
    read, checks = common.read(first, layout("ACCTBAL", "01"), wanted)
    third, third_checks = common.read(
        whole.filter(pl.col("segment") == "03"), layout("ACCTBAL", "03"), [Number("core_sweep_amount", 4)]
    )
    fifth, fifth_checks = common.read(
        whole.filter(pl.col("segment") == "05"), layout("ACCTBAL", "05"), [Number("account_type_count", 0)]
    )
    parts = _account_types(whole)
    orders = whole.group_by("group", maintain_order=True).agg(pl.col("segment").str.join("").alias("order"))
    read = read.join(orders, on="group", how="left")
    for part, name in ((third, "core_sweep_amount"), (fifth, "account_type_count")):
        read = read.join(part.unique("group").select("group", name), on="group", how="left")
    read = read.join(parts.drop("line", "text", "bad"), on="group", how="left")
    bad = pl.concat(
        [_bad(third, third_checks), _bad(fifth, fifth_checks), parts.filter("bad")["group"].unique()]
    ).implode()
    count = pl.col("account_type_count").cast(pl.Int64)
    expected = pl.lit(_ORDER).str.slice(0, 2 * (_FIXED + (count + 1) // 2))
    checks += [
        Check("segment", "unparsable_number", pl.col("group").is_in(bad), "a number in a later segment is none."),
        Check(
            "segment", "missing_value", ~(pl.col("order") == expected).fill_null(False),
            "the segments of the record are not those that it counts, in order. Ask for the file again.",
        ),
    ]  # fmt: skip
    rows, rejects = _balances(read.sort("line"), checks, header, connection, _PARTS)
    return Taken({BALANCE: rows}, (lost, rejects)), first.height + orphans.height


def _account_types(whole: pl.DataFrame) -> pl.DataFrame:
    """The account types of each logical record side by side, with ``bad`` where one of their numbers is none."""
    lines = whole.filter(~pl.col("segment").is_in(["01", "02", "03", "04", "05"]))
    wanted: list[Wanted] = [
        Text("account_type_1", 1), Number("settlement_date_balance_1", 4),
        Text("account_type_2", 1), Number("settlement_date_balance_2", 4),
    ]  # fmt: skip
    read, checks = common.read(lines, layout("ACCTBAL", "TYPE"), wanted)
    read = read.with_columns(
        pl.any_horizontal(check.failed.fill_null(False) for check in checks).alias("bad"),
        pl.col("line").cum_count().over("group").alias("place"),
    )
    return read.group_by("group", maintain_order=True).agg(
        pl.col("line").first(),
        pl.col("text").first(),
        pl.col("bad").any(),
        *(
            pl.col(f"{field}_{half}").filter(pl.col("place") == place).first().alias(f"{field}_{2 * place - 2 + half}")
            for field in ("account_type", "settlement_date_balance")
            for place in range(1, _PARTS // 2 + 1)
            for half in (1, 2)
        ),
    )


def _bad(read: pl.DataFrame, checks: list[Check]) -> pl.Series:
    failed = pl.any_horizontal(check.failed.fill_null(False) for check in checks)
    return read.filter(failed)["group"].unique()
