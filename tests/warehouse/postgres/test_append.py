"""Files in the warehouse: the rows of a file are exactly what was given last, of its tenant alone."""

from __future__ import annotations

from decimal import Decimal

import pytest

from contracts.tables.accounting import POSITION
from contracts.tables.canonical import FX_RATE, PRICE
from contracts.tables.quality import REJECT
from tests.warehouse.postgres.rows import KNOWN, MONDAY, TUESDAY, filled
from tests.warehouse.postgres.test_load import rows_of
from warehouse.postgres.errors import IncompleteLoadError
from warehouse.postgres.load import append_files


def price(value: str, *, file: int = 100, line: int = 1, tenant: int = 0) -> dict[str, object]:
    return {
        "tenant_key": tenant, "security_key": 7, "price_date": MONDAY, "price_source": "vendor", "source_file_id": file,
        "source_line": line, "price": Decimal(value), "currency": "USD", "known_at": KNOWN,
    }  # fmt: skip


PRICES = "SELECT tenant_key, source_file_id, source_line, price::text FROM canonical.price ORDER BY 1, 2, 3"


def test_a_file_given_again_writes_nothing(url: str) -> None:
    frame = filled(PRICE, [price("1.5"), price("2.5", line=2)])
    assert append_files(url, PRICE, frame, [100]) == 2
    versions = rows_of(url, "SELECT xmin::text FROM canonical.price")
    assert append_files(url, PRICE, frame.reverse(), [100]) == 0
    assert rows_of(url, "SELECT xmin::text FROM canonical.price") == versions


def test_a_file_read_anew_replaces_its_rows_and_no_others(url: str) -> None:
    append_files(url, PRICE, filled(PRICE, [price("1"), price("2", line=2), price("3", file=200)]), [100, 200])
    append_files(url, PRICE, filled(PRICE, [price("9", line=2)]), [100])
    assert rows_of(url, PRICES) == [(0, 100, 2, "9.00000000"), (0, 200, 1, "3.00000000")]


def test_the_same_bytes_of_two_tenants_stay_apart(url: str) -> None:
    append_files(url, PRICE, filled(PRICE, [price("1", tenant=1)]), [100])
    append_files(url, PRICE, filled(PRICE, [price("2", tenant=2)]), [100])
    append_files(url, PRICE, PRICE.empty(), [100], tenant_key=1)
    assert rows_of(url, PRICES) == [(2, 100, 1, "2.00000000")]


def test_a_table_without_tenants_is_replaced_by_file(url: str) -> None:
    rate = {
        "base_code": "EUR", "quote_code": "USD", "rate_date": MONDAY, "rate_source": "ecb", "source_file_id": 5,
        "rate": Decimal("1.1355"), "known_at": KNOWN, "source_line": 2,
    }  # fmt: skip
    append_files(url, FX_RATE, filled(FX_RATE, [rate]), [5])
    append_files(url, FX_RATE, filled(FX_RATE, [{**rate, "rate_date": TUESDAY}]), [5])
    assert rows_of(url, "SELECT rate_date, rate FROM canonical.fx_rate") == [(TUESDAY, Decimal("1.1355000000"))]


def test_rubbish_in_a_quarantined_line_does_not_stop_the_row(url: str) -> None:
    reject = {
        "tenant_key": 1, "source_file_id": 9, "source_line": 0, "reason": "binary_content", "field_name": "",
        "disposition": "quarantined", "detail": "not text", "raw_text": "PK\x03\x00\x04", "connection_id": "x",
        "logical_name": "x", "known_at": KNOWN,
    }  # fmt: skip
    append_files(url, REJECT, filled(REJECT, [reject]), [9])
    assert rows_of(url, "SELECT raw_text FROM quality.reject") == [("PK\x03\ufffd\x04",)]


def test_a_row_that_breaks_a_constraint_leaves_the_file_as_it_was(url: str) -> None:
    append_files(url, PRICE, filled(PRICE, [price("1")]), [100])
    with pytest.raises(Exception, match="pk_price"):
        append_files(url, PRICE, filled(PRICE, [price("2"), price("3")]), [100])
    assert rows_of(url, PRICES) == [(0, 100, 1, "1.00000000")]


@pytest.mark.parametrize(
    ("table", "rows", "files"),
    [
        (PRICE, [price("1", file=300)], [100]),
        (PRICE, [price("1", tenant=1), price("1", tenant=2)], [100]),
        (PRICE, [], [100]),
        (POSITION, [], [100]),
    ],
    ids=["row of another file", "two tenants", "no way to tell the tenant", "a bulk-loaded table"],
)
def test_a_replacement_that_could_hit_strangers_is_refused(
    url: str, table: object, rows: list[dict[str, object]], files: list[int]
) -> None:
    with pytest.raises(IncompleteLoadError):
        append_files(url, table, filled(table, rows), files)  # type: ignore[arg-type]
