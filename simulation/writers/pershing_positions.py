"""Pershing-style positions (GCUS) and balances (GMON) of one business day, made in columns.

Cash is a position like any other (``USD999997``, its quantity the amount) and a balance too. In GCUS and in GMON's
market values ``+`` is the client's; in GMON's balances ``-`` is. Every third account holds on margin as well: half of
each of its larger holdings lies in the margin part, as a position of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from simulation.decimals import checked_product, half_even_array
from simulation.firm import Account
from simulation.market import Ints, Market
from simulation.scene import Scene
from simulation.securities import Security
from simulation.transactions import QUANTITY_UNITS
from simulation.writers.pershing_layouts import (
    BALANCE_A,
    BALANCE_B,
    BALANCE_C,
    BALANCE_TYPE,
    GCUS,
    GMON,
    POSITION,
    POSITION_B,
    column_lines,
    document,
    line,
    signed,
    signed_column,
)

REPRESENTATIVE, BROKER = "R01", "B01"
CASH_CUSIP = "USD999997"
KINDS = {"equity": ("0", "0", "0", "001"), "bond": ("5", "0", "0", "501")}
"""Kind of security to type, modifier, calculation and minor product; the values are invented."""
_CASH, _MARGIN = "1", "2"
_ZERO = pl.lit(0, dtype=pl.Int64)

Refresh = Literal["daily", "weekly"]


def is_refreshed(market: Market, day: date, refresh: Refresh) -> bool:
    """Whether a day's positions are stated in full: always, or on the first business day of a week alone."""
    place = market.place(day)
    return refresh == "daily" or place == 0 or market.days[place - 1].isocalendar()[:2] != day.isocalendar()[:2]


def positions(scene: Scene, accounts: Sequence[Account], day: date, remote: str, refresh: Refresh) -> bytes:
    """The GCUS file. One that is UPDATED states what changed since the business day before, zero for what is gone."""
    place = scene.market.place(day)
    held = _held(scene, accounts, place)
    is_full = is_refreshed(scene.market, day, refresh)
    if is_full:
        held = held.filter((pl.col("quantity") != 0) | (pl.col("cusip") == CASH_CUSIP))
    else:
        key = ["account", "account_type", "cusip"]
        before = _held(scene, accounts, place - 1).select(*key, "quantity", "settled")
        held = held.join(before, on=key, how="left", suffix="_before", maintain_order="left").filter(
            pl.any_horizontal(pl.col(n) != pl.col(f"{n}_before").fill_null(0) for n in ("quantity", "settled"))
        )
    held = held.with_row_index("n", offset=1)
    lines = pl.concat([_position_lines(held, day), _coupon_lines(held)]).sort("n", "record")["line"]
    return document(GCUS, day, remote, lines, "REFRESHED" if is_full else "UPDATED")


def balances(scene: Scene, accounts: Sequence[Account], day: date, remote: str) -> bytes:
    """The GMON file: records A, B and C of every account, 1 for its cash part and 2 for a margin part."""
    worth = _worth(scene, accounts, scene.market.place(day))
    rows: list[str] = []
    for number, account in enumerate(accounts, 1):
        rows.extend(_balance_lines(scene, account, day, number, worth[account.account_number]))
    return document(GMON, day, remote, rows)


def has_margin(account: Account) -> bool:
    """Whether part of an account's holdings lies on margin."""
    return sum(account.account_number.encode()) % 3 == 0


def _held(scene: Scene, accounts: Sequence[Account], place: int) -> pl.DataFrame:
    """Every account's position in every security it ever holds and in cash, in parts, zeros included.

    Quantities are integers in 0.00001, values in 0.001; accounts that are not open yet hold nothing.
    """
    if not accounts or place < 0:
        return pl.DataFrame(schema=_SCHEMA)
    places = np.array([scene.places[account.key] for account in accounts], dtype=np.int64)
    ever = (scene.reported.quantities[places] != 0).any(axis=1)
    rows, listed = np.nonzero(ever)
    quantity = scene.reported.quantities[places, place][rows, listed]
    settled = scene.reported.settled_quantities[places, place][rows, listed]
    on_margin = np.array([has_margin(account) for account in accounts], dtype=np.bool_)[rows]
    is_bond = np.array([security.is_bond for security in scene.market.securities])[listed]
    margin = np.where(on_margin & ~is_bond & (quantity > 0), quantity // (2 * QUANTITY_UNITS) * QUANTITY_UNITS, 0)
    settled_margin = np.minimum(margin, settled)
    cash_rows = np.arange(len(accounts))
    parts = [
        _part(scene, accounts, place, rows, listed, _CASH, quantity - margin, settled - settled_margin),
        _part(scene, accounts, place, rows, listed, _MARGIN, margin, settled_margin).filter(pl.Series(on_margin)),
        _cash_part(scene, accounts, place, cash_rows, places),
    ]
    return pl.concat(parts).sort("row", "cusip", "account_type", maintain_order=True)


_SCHEMA = {
    "row": pl.Int64, "account": pl.String, "short_name": pl.String, "account_type": pl.String, "cusip": pl.String,
    "quantity": pl.Int64, "settled": pl.Int64, "value": pl.Int64, "settled_value": pl.Int64,
    "symbol": pl.String, "type": pl.String, "modifier": pl.String, "calculation": pl.String, "minor": pl.String,
    "description": pl.String, "isin": pl.String, "maturity": pl.String, "rate": pl.Int64,
}  # fmt: skip


def _part(
    scene: Scene, accounts: Sequence[Account], place: int, rows: npt.NDArray[np.intp], listed: npt.NDArray[np.intp],
    account_type: str, quantity: Ints, settled: Ints,
) -> pl.DataFrame:  # fmt: skip
    known = pl.DataFrame([_described(security) for security in scene.market.securities])
    prices = scene.market.prices[place, listed]
    names = pl.DataFrame(
        {"account": [a.account_number for a in accounts], "short_name": [a.title.split(" ")[-1][:10] for a in accounts]}
    )
    frame = pl.concat([names[rows], known[listed]], how="horizontal").with_columns(
        pl.Series("row", rows.astype(np.int64)),
        pl.lit(account_type).alias("account_type"),
        pl.Series("quantity", quantity),
        pl.Series("settled", settled),
        pl.Series("value", _value(scene.market, listed, quantity, prices)),
        pl.Series("settled_value", _value(scene.market, listed, settled, prices)),
    )
    return frame.select(list(_SCHEMA))


def _value(market: Market, listed: npt.NDArray[np.intp], quantity: Ints, prices: Ints) -> Ints:
    """Quantity × price × factor in dollars, half-even to 0.001."""
    product = checked_product(quantity, prices)
    is_bond = np.array([security.is_bond for security in market.securities])[listed]
    return np.where(is_bond, half_even_array(product, 10**9), half_even_array(product, 10**7)).astype(np.int64)


def _cash_part(
    scene: Scene, accounts: Sequence[Account], place: int, rows: npt.NDArray[np.intp], places: Ints
) -> pl.DataFrame:
    cash, settled = scene.reported.cash[places, place], scene.reported.settled_cash[places, place]
    constants = dict.fromkeys(("symbol", "calculation", "minor", "isin", "maturity"), "") | {
        "account_type": _CASH, "cusip": CASH_CUSIP, "type": "1", "modifier": "0",
        "description": "UNITED STATES DOLLARS",
    }  # fmt: skip
    return pl.DataFrame(
        {
            "row": rows.astype(np.int64), "account": [a.account_number for a in accounts],
            "short_name": [a.title.split(" ")[-1][:10] for a in accounts], "quantity": cash * 10,
            "settled": settled * 10, "value": cash // 10, "settled_value": settled // 10,
        }
    ).with_columns(
        _ZERO.alias("rate"),
        *(pl.lit(text).alias(name) for name, text in constants.items()),
    ).select(list(_SCHEMA))  # fmt: skip


def _described(security: Security) -> dict[str, str | int]:
    kind = KINDS[security.kind]
    return {
        "cusip": security.cusip or "", "symbol": security.ticker if not security.is_bond else security.cusip or "",
        "type": kind[0], "modifier": kind[1], "calculation": kind[2], "minor": kind[3],
        "description": security.name, "isin": security.isin,
        "maturity": f"20{security.ticker[-2:]}0615" if security.is_bond else "",
        "rate": int(security.annual_rate * 100 * 10**9) if security.is_bond else 0,
    }  # fmt: skip


def _position_lines(held: pl.DataFrame, day: date) -> pl.DataFrame:
    stamp = pl.lit(f"{day:%Y%m%d}")
    is_cash = pl.col("cusip") == CASH_CUSIP
    nothing = pl.lit("0" * 18 + "+")
    columns = {
        **_keys("GCA"),
        "indicator": pl.when(is_cash).then(pl.lit("C")).otherwise(pl.lit("S")),
        "issue_currency": pl.lit("USD"),
        "trade_stamp": stamp,
        "settlement_stamp": stamp,
        "trade_quantity": signed_column(pl.col("quantity"), 18),
        "settlement_quantity": signed_column(pl.col("settled"), 18),
        "memo_quantities": pl.lit(("0" * 18 + "+") * 9),
        "pending_split": nothing,
        "symbol": pl.col("symbol").fill_null(""),
        **{name: pl.col(name).fill_null("") for name in ("type", "modifier", "calculation", "minor", "maturity")},
        "short_name": pl.col("short_name"),
        "line_count": pl.lit("0001"),
        "description": pl.col("description"),
        "position_currency": pl.lit("USD"),
        "trade_value": signed_column(pl.col("value"), 18),
        "pool_factor": pl.lit("0" * 10 + "+"),
        "rate": pl.lit(f"{10**10:018d}+"),
        "settlement_value": signed_column(pl.col("settled_value"), 18),
        "id_type": pl.when(pl.col("isin") != "").then(pl.lit("I")).otherwise(pl.lit("")),
        "id": pl.col("isin"),
    }
    return held.select("n", pl.lit("A").alias("record"), column_lines(GCUS, held, POSITION, columns).alias("line"))


def _coupon_lines(held: pl.DataFrame) -> pl.DataFrame:
    """Record B, sent only where something in it is not zero: here the coupon of bonds."""
    bonds = held.filter(pl.col("rate") != 0)
    columns = {**_keys("GCB"), "coupon": pl.col("rate").cast(pl.String).str.zfill(18)}
    return bonds.select("n", pl.lit("B").alias("record"), column_lines(GCUS, bonds, POSITION_B, columns).alias("line"))


def _keys(code: str) -> dict[str, pl.Expr]:
    return {
        "code": pl.lit(code), "sequence": pl.col("n").cast(pl.String).str.zfill(8), "account": pl.col("account"),
        "account_type": pl.col("account_type"), "cusip": pl.col("cusip"), "portfolio_currency": pl.lit("USD"),
        "representative": pl.lit(REPRESENTATIVE), "broker": pl.lit(BROKER),
    }  # fmt: skip


def _worth(scene: Scene, accounts: Sequence[Account], place: int) -> dict[str, dict[str, int]]:
    """Account number to the value of its cash and its margin part, in cents."""
    held = _held(scene, accounts, place).filter(pl.col("cusip") != CASH_CUSIP)
    sums = held.group_by("account", "account_type").agg(pl.col("value").sum())
    found: dict[str, dict[str, int]] = {account.account_number: {_CASH: 0, _MARGIN: 0} for account in accounts}
    for number, part, value in sums.iter_rows():
        found[number][part] = int(half_even_array(np.array([value], dtype=np.int64), 10)[0])
    return found


def _balance_lines(scene: Scene, account: Account, day: date, number: int, worth: dict[str, int]) -> Iterator[str]:
    cash, settled = scene.cash(account, day) // 100, scene.settled_cash(account, day) // 100
    held = worth[_CASH] + worth[_MARGIN]
    keys = {
        "sequence": f"{number:08d}", "account": account.account_number, "representative": REPRESENTATIVE,
        "broker": BROKER, "data_date": f"{day:%Y%m%d}",
    }  # fmt: skip
    owed, owed_settled = _balance(cash), _balance(settled)
    zero = signed(0, 18)
    yield line(GMON, BALANCE_A, keys | {
        "code": "GMA", "usde_trade": owed, "usd_trade": owed, "long_value": signed(held, 18), "short_value": zero,
        "equity": signed(held + cash, 18), "total_usde": owed, "total_equity": signed(held + cash, 18),
        "net_worth": signed(held + cash, 18), "fund_principal": zero, "fund_dividend": zero, "available": owed_settled,
    })  # fmt: skip
    yield line(GMON, BALANCE_B, keys | {
        "code": "GMB", "usde_settled": owed_settled, "usd_settled": owed_settled, "base_currency": "USD",
    })  # fmt: skip
    yield line(GMON, BALANCE_C, keys | {"code": "GMC", "net_worth": signed(held + settled, 18)})
    parts = [(_CASH, cash, settled)] + ([(_MARGIN, 0, 0)] if has_margin(account) else [])
    for part, balance, balance_settled in parts:
        yield line(GMON, BALANCE_TYPE, keys | {
            "code": f"GM{part}", "account_type": part, "trade_stamp": f"{day:%Y%m%d}", "usd_trade": _balance(balance),
            "settlement_stamp": f"{day:%Y%m%d}", "usd_settled": _balance(balance_settled),
            "market_value": signed(worth[part], 18), "equity": signed(worth[part] + balance, 18),
        })  # fmt: skip


def _balance(cents: int) -> str:
    """A balance: ``-`` is money of the client's, ``+`` money that he owes."""
    return signed(cents, 18, plus=cents <= 0)
