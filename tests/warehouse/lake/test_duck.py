"""Laws of the DuckDB views: they show the rows of the last commit, of one tenant, and need no extension."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from contracts.tables.canonical import FX_RATE, PRICE
from warehouse.lake.duck import views
from warehouse.lake.store import Lake

AT = datetime(2022, 3, 1, tzinfo=UTC)


def prices(tenant_key: int, price: str, file: int = 1) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "tenant_key": tenant_key,
            "security_key": 1,
            "price_date": date(2022, 3, 1),
            "price_source": "vendor",
            "source_file_id": file,
            "source_line": 1,
            "price": pl.Series([Decimal(price)], dtype=pl.Decimal(20, 8)),
            "currency": "USD",
            "known_at": AT,
        }
    )


def test_views_show_the_tenants_rows_and_the_shared_ones_beside_them(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    lake.append(PRICE, "alder", prices(1, "7"))
    lake.replace_files(PRICE, "alder", prices(1, "1.5"), [1])
    lake.append(PRICE, "birch", prices(2, "2"))
    lake.append(PRICE, "_shared", prices(0, "3"))
    rate = pl.DataFrame(
        {
            "base_code": "EUR", "quote_code": "USD", "rate_date": date(2022, 3, 1), "rate_source": "ecb",
            "source_file_id": 1, "rate": pl.Series([Decimal("1.1162")], dtype=pl.Decimal(20, 10)), "known_at": AT,
            "source_line": 2,
        }
    )  # fmt: skip
    lake.append(FX_RATE, "_shared", rate)
    with views(str(tmp_path), "alder") as db:
        assert db.sql("SELECT tenant_key, price FROM canonical.price").fetchall() == [(1, Decimal("1.5"))]
        assert db.sql("SELECT price FROM shared.canonical_price").fetchall() == [(Decimal(3),)]
        assert db.sql("SELECT rate FROM canonical.fx_rate").fetchall() == [(Decimal("1.1162"),)]
        assert "_month" not in db.sql("SELECT * FROM canonical.price").columns
