from __future__ import annotations

from pathlib import Path

import polars as pl

from simulation.bulk import BulkPlan, write_bulk


def test_a_bulk_firm_states_every_position_and_counts_them(tmp_path: Path) -> None:
    opening, day = write_bulk(BulkPlan(accounts=41, positions=20), tmp_path)
    folder = tmp_path / "sftp" / "bulk" / "schwab_main"
    counts = {"RPS": 41 * 21, "ACC": 41, "SEC": 22, "TRN": 21}
    widths = {"RPS": {753, 611}, "ACC": {1414}, "SEC": {702}, "TRN": {2260}}
    for kind, count in counts.items():
        lines = (folder / f"CRS{day:%Y%m%d}.{kind}").read_bytes().decode("ascii").split("\r\n")
        assert len(lines) == count + 3
        assert int(lines[-2].split("|")[4]) == count
        assert {len(line) for line in lines[1:-2]} == widths[kind]
    assert (folder / f"CRS{opening:%Y%m%d}.TRN").read_bytes().count(b"\r\n") == 2


def test_bulk_truth_moves_by_what_was_bought(tmp_path: Path) -> None:
    opening, day = write_bulk(BulkPlan(accounts=12), tmp_path)
    truth = tmp_path / "truth" / "bulk"
    before, after = (pl.read_parquet(truth / f"positions-{d}-*.parquet") for d in (opening, day))
    keys = ["account_number", "isin"]
    moved = after.join(before, on=keys, suffix="_before").filter(pl.col("quantity") != pl.col("quantity_before"))
    lines = (tmp_path / "sftp" / "bulk" / "schwab_main" / f"CRS{day:%Y%m%d}.TRN").read_text("ascii").splitlines()[1:-1]
    bought = {(line[63:73].strip(), line[347:359]): line[705:722].strip() for line in lines}
    change = moved.select(*keys, change=pl.col("quantity") - pl.col("quantity_before"))
    assert bought == {(account, isin): f"{units:.5f}" for account, isin, units in change.iter_rows()}
    assert before.height == after.height == 12 * 20
    values = pl.read_parquet(truth / f"valuations-{day}-*.parquet")
    worth = after.group_by("account_number").agg(pl.col("market_value_base").sum())
    total = values.join(worth, on="account_number")
    assert total.filter(pl.col("total_value") != pl.col("market_value_base") + pl.col("cash_value")).is_empty()


def test_bulk_bytes_follow_from_the_plan(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_bulk(BulkPlan(accounts=5, positions=3), tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a" / "sftp").rglob("*.*"))
    assert files
    for path in files:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes()
