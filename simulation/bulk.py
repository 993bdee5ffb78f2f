"""A firm of any size for one business day after its opening day, for benchmarks: written in columns, in bounded memory.

Account number n holds ``positions`` securities, and every second account buys more of its first one on the second day.
All values follow from the account's number and the seed by integer arithmetic; no row is ever a Python object.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from simulation.decimals import checked_product, decimal_series, half_even_array
from simulation.delivery import custodian_arrival, euro_rates_arrival, prices_arrival
from simulation.market import Ints, Market, market
from simulation.trading import SETTLEMENT_DAYS
from simulation.transactions import CENT, MONEY_UNITS, QUANTITY_UNITS
from simulation.writers import closing_prices, ecb, schwab
from simulation.writers.schwab_layouts import ACC, TRN

TENANT = "bulk"
CONNECTION = "schwab_main"
MASTER = schwab.Master("08999999", "BULK WEALTH PARTNERS")
_CHUNK_ACCOUNTS = 2_000
_KINDS = ("ACC", "SEC", "TRN", "RPS")


@dataclass(frozen=True)
class BulkPlan:
    """What to write.

    Attributes:
        accounts: how many, at most ten million.
        positions: securities that each account holds, at most 22.
        seed: of the quantities.
        first_date: the opening day; the next business day is the one to benchmark.
    """

    accounts: int
    positions: int = 20
    seed: int = 7
    first_date: date = date(2022, 3, 1)


@dataclass(frozen=True)
class _Chunk:
    """Some accounts with consecutive numbers: int64 arrays, one row per account × position, or per account."""

    numbers: Ints
    listed: Ints  # accounts × positions
    quantities: Ints  # accounts × positions, at the opening, in 0.00001
    cash: Ints  # per account, at the opening, in 0.0001
    bought: Ints  # per account, units bought on the second day, in 0.00001
    cost: Ints  # per account, in 0.0001


def write_bulk(plan: BulkPlan, out: Path) -> tuple[date, date]:
    """Write both days' files under ``<out>/sftp`` and the truth under ``<out>/truth``; returns the two days.

    The truth is positions (account_number, isin, as_of_date, quantity, market_value_base) and valuations
    (account_number, as_of_date, total_value), one Parquet file per chunk of accounts.
    """
    prices = market(plan.seed, plan.first_date, plan.first_date + timedelta(days=10))
    for place in (0, 1):
        _write_market_data(prices, place, out)
        _write_core_files(plan, prices, place, out)
    return prices.days[0], prices.days[1]


def _chunks(plan: BulkPlan, prices: Market) -> Iterator[_Chunk]:
    usable = np.array([n for n, s in enumerate(prices.securities) if s.currency == "USD"], dtype=np.int64)
    for start in range(0, plan.accounts, _CHUNK_ACCOUNTS):
        numbers = np.arange(start, min(start + _CHUNK_ACCOUNTS, plan.accounts), dtype=np.int64)
        draw = np.random.Generator(np.random.PCG64([plan.seed, start]))
        offsets = np.arange(plan.positions, dtype=np.int64)[None, :]
        listed = usable[(numbers[:, None] * 7 + offsets) % len(usable)]
        quantities = draw.integers(1, 900, size=listed.shape, dtype=np.int64) * QUANTITY_UNITS
        cash = draw.integers(20_000_00, 90_000_00, size=len(numbers), dtype=np.int64) * CENT
        bought = np.where(numbers % 2 == 0, draw.integers(1, 9, size=len(numbers), dtype=np.int64), 0) * QUANTITY_UNITS
        cost = _money(prices, 1, listed[:, 0], bought, 100) * CENT
        yield _Chunk(numbers, listed, quantities, cash, bought, cost)


def _money(prices: Market, place: int, listed: Ints, quantities: Ints, units: int) -> Ints:
    """Market value in 1/units of a dollar, half-even."""
    product = checked_product(quantities, prices.prices[place][listed])
    is_bond = np.array([security.is_bond for security in prices.securities])[listed]
    per_unit = QUANTITY_UNITS * QUANTITY_UNITS // units
    valued: Ints = np.where(is_bond, half_even_array(product, per_unit * 100), half_even_array(product, per_unit))
    return valued


def _write_core_files(plan: BulkPlan, prices: Market, place: int, out: Path) -> None:
    day = prices.days[place]
    folder = out / "sftp" / TENANT / CONNECTION
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(_KINDS, 0)
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        for kind in _KINDS:
            files[kind] = stack.enter_context((folder / schwab.file_name(day, kind)).open("wb"))
            files[kind].write(f"{schwab.header(MASTER, day, kind)}{schwab.LINE_END}".encode("cp1252"))

        def add(kind: str, block: tuple[bytes, int]) -> None:
            files[kind].write(block[0])
            counts[kind] += block[1]

        usable = [n for n, s in enumerate(prices.securities) if s.currency == "USD"]
        add("SEC", schwab.text_block(schwab.security_line(prices, MASTER, n, place) for n in usable))
        for number, chunk in enumerate(_chunks(plan, prices)):
            _add_chunk(prices, place, chunk, add)
            _write_truth(prices, place, chunk, out / "truth" / TENANT, number)
        for kind, file in files.items():
            file.write(f"{schwab.trailer(MASTER, day, counts[kind])}{schwab.LINE_END}".encode("cp1252"))
    for kind in _KINDS:
        name = schwab.file_name(day, kind)
        _stamp(folder / name, custodian_arrival(plan.seed, prices.calendar, day, f"{TENANT}/{CONNECTION}/{name}"))


def _held(chunk: _Chunk, place: int) -> tuple[Ints, Ints]:
    """Quantities and cash by trade date at the close of the day."""
    if place == 0:
        return chunk.quantities, chunk.cash
    quantities = chunk.quantities.copy()
    quantities[:, 0] += chunk.bought
    return quantities, chunk.cash - chunk.cost


def _account_numbers(numbers: Ints) -> pl.Series:
    return pl.Series("account_number", numbers + 10_000_000).cast(pl.String)


def _add_chunk(prices: Market, place: int, chunk: _Chunk, add: Callable[[str, tuple[bytes, int]], None]) -> None:
    day = prices.days[place]
    quantities, cash = _held(chunk, place)
    listed, flat = chunk.listed.ravel(), quantities.ravel()
    accounts = _account_numbers(chunk.numbers)
    worth = _money(prices, place, chunk.listed, quantities, 100) * 1000
    positions = pl.DataFrame(
        {
            "account_number": accounts[np.repeat(np.arange(len(chunk.numbers)), chunk.listed.shape[1])],
            "security_part": pl.Series([schwab.security_part(s) for s in prices.securities])[listed],
            "price_date": pl.Series(prices.days, dtype=pl.Date)[prices.price_places[place][listed]],
            "closing_price": decimal_series("p", prices.prices[place][listed], 5),
            "quantity": decimal_series("q", flat, 5),
            "quantity_settled": decimal_series("s", chunk.quantities.ravel(), 5),
            "market_value": decimal_series("v", worth.ravel(), 5),
        }
    )
    balances = pl.DataFrame(
        {
            "account_number": accounts,
            "title": "BULK ACCOUNT " + accounts,
            "registration": pl.Series(["IND"] * len(accounts)),
            "cash": decimal_series("c", cash * 10, 5),
            "cash_settled": decimal_series("s", chunk.cash * 10, 5),
            "market_value": decimal_series("v", worth.sum(axis=1), 5),
        }
    )
    add("RPS", schwab.column_block(schwab.position_lines(positions, MASTER, day)))
    add("RPS", schwab.column_block(schwab.balance_lines(balances, MASTER, day)))
    add("ACC", schwab.column_block(_account_lines(balances, day)))
    if place == 1:
        add("TRN", schwab.column_block(_purchase_lines(prices, chunk)))


def _account_lines(balances: pl.DataFrame, day: date) -> pl.Series:
    constants = schwab.prefix(MASTER, day) | {
        "status": "OPEN", "date_opened": "20150115", "taxable_indicator": "Y", "registration": "IND",
    }  # fmt: skip
    columns = {
        "account_number": pl.col("account_number").str.pad_start(10),
        "title1": pl.col("title").str.pad_end(45),
    }
    return schwab.record_lines(balances, ACC, constants, columns)


def _purchase_lines(prices: Market, chunk: _Chunk) -> pl.Series:
    day, buys = prices.days[1], chunk.bought > 0
    listed = chunk.listed[buys, 0]
    names = ("ticker", "cusip", "schwab_security_number", "item_issue_id", "isin")
    widths = dict(TRN)
    known = [schwab.identifiers(security) for security in prices.securities]
    frame = pl.DataFrame(
        {
            "account_number": _account_numbers(chunk.numbers[buys]),
            **{name: pl.Series([k[name].ljust(widths[name]) for k in known])[listed] for name in names},
            "quantity": decimal_series("q", chunk.bought[buys], 5),
            "price": decimal_series("p", prices.prices[1][listed], 5),
            "amount": decimal_series("a", chunk.cost[buys] * (QUANTITY_UNITS // MONEY_UNITS), 5),
        }
    )
    settles = prices.calendar.shift(day, SETTLEMENT_DAYS)
    constants = schwab.prefix(MASTER, day) | {
        "transaction_type_code": "BY", "transaction_category": "BUY", "action_code": "BUY",
        "trade_date": f"{day:%Y%m%d}", "settlement_date": f"{settles:%Y%m%d}", "transaction_date": f"{day:%Y%m%d}",
        "debit_credit_indicator": "DEBIT", "commission": schwab.decimal_text(0, 1),
        "accrued_interest": schwab.decimal_text(0, 1),
    }  # fmt: skip
    columns = {
        "account_number": pl.col("account_number").str.pad_start(10),
        **{name: pl.col(name) for name in names},
        "quantity": schwab.number(pl.col("quantity")),
        "price": schwab.number(pl.col("price")),
        "gross_amount": schwab.number(pl.col("amount")),
        "net_amount": schwab.number(pl.col("amount")),
    }
    return schwab.record_lines(frame, TRN, constants, columns)


def _write_truth(prices: Market, place: int, chunk: _Chunk, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    day = prices.days[place]
    quantities, cash = _held(chunk, place)
    values = _money(prices, place, chunk.listed, quantities, MONEY_UNITS)
    accounts = _account_numbers(chunk.numbers)
    isins = pl.Series([security.isin for security in prices.securities])
    positions = pl.DataFrame(
        {
            "account_number": accounts[np.repeat(np.arange(len(chunk.numbers)), chunk.listed.shape[1])],
            "isin": isins[chunk.listed.ravel()],
            "quantity": decimal_series("q", quantities.ravel(), 5).cast(pl.Decimal(20, 8)),
            "market_value_base": decimal_series("v", values.ravel(), 4),
        }
    ).with_columns(as_of_date=pl.lit(day))
    valuations = pl.DataFrame(
        {
            "account_number": accounts,
            "cash_value": decimal_series("c", cash, 4),
            "total_value": decimal_series("v", values.sum(axis=1) + cash, 4),
        }
    ).with_columns(as_of_date=pl.lit(day))
    positions.write_parquet(folder / f"positions-{day}-{number:05d}.parquet")
    valuations.write_parquet(folder / f"valuations-{day}-{number:05d}.parquet")


def _write_market_data(prices: Market, place: int, out: Path) -> None:
    day, euro = prices.days[place], prices.euro
    rates, quotes = out / "sftp" / "_shared" / "ecb", out / "sftp" / "_shared" / "closing_prices"
    written = {
        rates / ecb.daily_name(day): (ecb.daily_document(euro, day), euro_rates_arrival(day)),
        quotes / closing_prices.file_name(day): (closing_prices.document(prices, place), prices_arrival(day)),
    }
    for path, (content, arrived_at) in written.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        _stamp(path, arrived_at)


def _stamp(path: Path, arrived_at: datetime) -> None:
    stamp = int(arrived_at.timestamp()) * 10**9
    os.utime(path, ns=(stamp, stamp))
