"""Whatever is rendered from the contracts is as rendered, and turns red when a contract changes without it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from contracts import columns as c
from contracts.registry import TABLES, table
from contracts.render.api_fields import Mart, MartColumn, UnknownDataTypeError, api_fields_module
from contracts.render.gx_suite import base_suite
from contracts.table import Table
from tools import render_contracts

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOTS = Path(__file__).parent / "snapshots"
RENDERED = sorted(str(path) for path in render_contracts.rendered_files())


class _Wider(dy.Schema):
    tenant_key = c.tenant_key(primary_key=True)
    source_file_id = c.source_file_id(primary_key=True)
    source_line = c.source_line(primary_key=True)
    reason = c.reason(primary_key=True)
    field_name = c.field_name(primary_key=True)
    currency = c.currency()


CHANGED = Table(
    "quality", "reject", _Wider, grain="one row", scope="either", kind="canonical", date_column=None,
    warehouse="appended",
)  # fmt: skip


def polars_schemas() -> dict[str, dict[str, str]]:
    return {name: {column: repr(dtype) for column, dtype in t.polars_schema.items()} for name, t in TABLES.items()}


def suites() -> dict[str, object]:
    return {name: base_suite(t) for name, t in TABLES.items()}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of all that is rendered or rendered from, to be spoilt."""
    shutil.copytree(ROOT / "dbt_project/models", tmp_path / "dbt_project/models")
    for path in RENDERED:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


def test_nothing_has_drifted_from_its_contract() -> None:
    assert render_contracts.drift() == []


@pytest.mark.parametrize("path", RENDERED)
def test_a_rendered_file_that_is_edited_by_hand_is_found(copied: Path, path: str) -> None:
    target = copied / path
    target.write_text(target.read_text() + "\n# edited\n")
    assert render_contracts.drift(copied) == [f"{path}: differs from its contract"]


def test_a_changed_contract_turns_every_rendering_of_it_red(copied: Path) -> None:
    changed = {**TABLES, "quality.reject": CHANGED}
    files = render_contracts.rendered_files(copied, changed)
    different = {str(path) for path, text in files.items() if (copied / path).read_text() != text}
    assert different == {
        "docs/reference/tables.md",
        "dbt_project/models/sources/quality.yml",
        "dbt_project/models/staging/quality/_quality__models.yml",
        "dbt_project/models/staging/quality/stg_quality__reject.sql",
    }


def test_a_mart_that_gains_a_column_turns_the_api_s_row_models_red(copied: Path) -> None:
    mart = copied / "dbt_project/models/marts/data_quality/fct_reject.yml"
    mart.write_text(
        mart.read_text() + '      - name: extra\n        data_type: bigint\n        description: "One more."\n'
    )
    assert render_contracts.drift(copied) == ["contracts/generated/marts.py: differs from its contract"]


def test_a_file_that_no_contract_renders_any_more_is_found_and_removed(copied: Path) -> None:
    orphan = copied / "dbt_project/models/staging/quality/stg_quality__gone.sql"
    orphan.write_text((copied / "dbt_project/models/staging/quality/stg_quality__reject.sql").read_text())
    finding = "dbt_project/models/staging/quality/stg_quality__gone.sql: no contract renders it any more"
    assert render_contracts.drift(copied) == [finding]
    render_contracts.write(copied)
    assert not orphan.exists()
    assert render_contracts.drift(copied) == []


def test_a_missing_file_is_found_and_written_again(copied: Path) -> None:
    (copied / "docs/reference/tables.md").unlink()
    assert render_contracts.drift(copied) == ["docs/reference/tables.md: missing"]
    assert [str(path) for path in render_contracts.write(copied)] == ["docs/reference/tables.md"]


def test_the_check_exits_with_one_on_drift_and_writes_nothing(copied: Path) -> None:
    assert render_contracts.main(["--check"], copied) == 0
    page = copied / "docs/reference/tables.md"
    page.write_text("stale")
    assert render_contracts.main(["--check"], copied) == 1
    assert page.read_text() == "stale"


def test_a_mart_column_without_a_meaning_is_refused_by_name(copied: Path) -> None:
    mart = copied / "dbt_project/models/marts/data_quality/fct_reject.yml"
    mart.write_text(mart.read_text().replace("{{ doc('detail') }}", "{{ doc('nowhere') }}"))
    with pytest.raises(render_contracts.MartContractError, match=r"fct_reject\.detail: no column 'nowhere'"):
        render_contracts.rendered_files(copied)


def test_a_data_type_without_a_form_in_python_is_refused_by_name() -> None:
    mart = Mart("dim_x", "X.", (MartColumn("shape", "jsonb", "A shape.", None, False),))
    with pytest.raises(UnknownDataTypeError, match=r"dim_x\.shape.*jsonb"):
        api_fields_module([mart])


@pytest.mark.parametrize(("name", "current"), [("polars_schemas", polars_schemas), ("gx_suites", suites)])
def test_the_snapshot_is_what_the_contracts_say(name: str, current: object) -> None:
    assert callable(current)
    kept = json.loads((SNAPSHOTS / f"{name}.json").read_text())
    assert current() == kept, f"write tests/contracts/snapshots/{name}.json anew if the change is meant"


def test_the_snapshots_differ_when_a_contract_changes() -> None:
    kept = json.loads((SNAPSHOTS / "gx_suites.json").read_text())
    assert base_suite(CHANGED) != kept["quality.reject"]
    assert "currency" not in json.loads((SNAPSHOTS / "polars_schemas.json").read_text())["quality.reject"]


def test_every_table_has_a_grain_a_key_and_a_meaning_for_each_column() -> None:
    for name, contract in TABLES.items():
        assert contract.grain.startswith("one row per "), name
        assert contract.key, name
        assert contract.columns.__doc__, name
        for column, declared in contract.columns.columns().items():
            assert declared.description, f"{name}.{column}"


def test_an_empty_frame_conforms_to_its_own_contract() -> None:
    for contract in TABLES.values():
        assert contract.conform(pl.DataFrame()).schema == contract.polars_schema


def test_only_a_row_that_keeps_the_contract_conforms() -> None:
    rate = {"base_code": "EUR", "quote_code": "USD", "rate": "1.1"}
    with pytest.raises(dy.exc.ValidationError):
        table("canonical.fx_rate").conform(pl.DataFrame([rate]))
