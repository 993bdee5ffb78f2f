"""Which description of a security counts where several sources describe it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from assets.accounting.inputs import described_securities, source_rank
from assets.workspace import Workspace
from contracts.tables.canonical import SECURITY


def described(key: int, kind: str, factor: str, adapter: str, tenant_key: int, day: int) -> dict[str, object]:
    return {
        "tenant_key": tenant_key, "security_key": key, "source_file_id": day, "source_line": key,
        "security_id": str(key), "security_name": "X", "security_type": kind, "asset_class": "other", "currency": "USD",
        "price_factor": Decimal(factor), "multiplier": Decimal(1), "adapter": adapter,
        "business_date": date(2022, 1, day), "known_at": datetime(2022, 1, day, tzinfo=UTC),
    }  # fmt: skip


def taken(ws: Workspace, tenant: str, *rows: dict[str, object]) -> None:
    ws.lake.append(SECURITY, tenant, pl.DataFrame(list(rows), schema=SECURITY.polars_schema, strict=False))


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, str(tmp_path / "lake"), "")


def test_a_price_list_that_came_last_does_not_make_a_bond_worth_a_hundred_times_as_much(ws: Workspace) -> None:
    bond, list_entry = (
        described(1, "bond", "0.01", "bloomberg", 0, 3),
        described(1, "other", "1", "closing_prices", 0, 4),
    )
    taken(ws, "_shared", bond, list_entry, described(2, "other", "1", "closing_prices", 0, 4))
    found = described_securities(ws, "alder").select("security_key", "price_factor").rows()
    assert sorted(found) == [(1, Decimal("0.01")), (2, Decimal(1))]


def test_a_custodian_s_own_description_comes_before_a_vendor_s(ws: Workspace) -> None:
    taken(ws, "alder", described(1, "bond", "0.01", "schwab", 1, 3))
    taken(ws, "_shared", described(1, "equity", "1", "bloomberg", 0, 4))
    assert described_securities(ws, "alder")["price_factor"].to_list() == [Decimal("0.01")]


def test_the_tenant_s_order_of_vendors_comes_first_and_other_custodians_last() -> None:
    rank = source_rank(("ice", "bloomberg"))
    assert rank[:2] == ("ice", "bloomberg")
    assert rank.index("lseg") < rank.index("schwab")
    assert len(set(rank)) == len(rank)
