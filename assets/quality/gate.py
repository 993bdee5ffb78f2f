"""The second gate: Great Expectations over one batch of one table, as plain functions.

The first gate is the contract, row by row; this one looks at a batch as a whole and at rules across columns. The base
suite is rendered from the contract, the business rules are in ``rules``. Outcomes hold names and counts; failing rows
are named by file and line. No value of a client's leaves this module.

Great Expectations takes seconds to import, so it is imported when a batch is run. Batches go to its validator
directly: its fluent data sources fingerprint every frame first, which takes longer than all expectations together.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import polars as pl
import polars.selectors as cs

from assets.quality.rules import BUSINESS_RULES, Rule, Severity, derived_columns
from contracts.render.gx_suite import base_suite
from contracts.table import Table

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.validator.validator import Validator

Status = Literal["passed", "failed", "crashed", "skipped"]
"""failed: the data is at fault; crashed: the expectation could not be evaluated; skipped: nothing to look at."""

FAILING_SCHEMA = pl.Schema(
    {
        "source_file_id": pl.Int64,
        "source_line": pl.Int64,
        "reason": pl.String,
        "field_name": pl.String,
        "detail": pl.String,
    }
)


@dataclass(frozen=True)
class ExpectationOutcome:
    """What became of one expectation.

    Attributes:
        name: class of the expectation.
        column: the field that it is about; None for the batch as a whole.
        status: see ``Status``.
        severity: what a failure means for the rows.
        unexpected_count: rows that break it; 0 when nothing was counted.
        element_count: rows looked at.
        detail: for a crash the kind of error, for a rule what it says.
    """

    name: str
    column: str | None
    status: Status
    severity: Severity
    unexpected_count: int
    element_count: int
    detail: str

    @property
    def success(self) -> bool:
        """Whether nothing speaks against the batch: passed, or nothing to look at."""
        return self.status in ("passed", "skipped")


@dataclass(frozen=True)
class GateResult:
    """What the gate says of one batch.

    Attributes:
        results: one outcome an expectation, base suite first.
        failing: rows that break a critical expectation, one row per line and field (see ``FAILING_SCHEMA``); empty for
            tables without lines of files.
        ordinals: 0-based places in the batch of the rows that break a critical expectation, each once, in order.
    """

    results: list[ExpectationOutcome]
    failing: pl.DataFrame
    ordinals: Sequence[int] = ()

    @property
    def success(self) -> bool:
        """True when no critical expectation failed and none crashed."""
        return not any(
            outcome.status == "crashed" or (outcome.status == "failed" and outcome.severity == "critical")
            for outcome in self.results
        )

    def with_status(self, status: Status) -> list[ExpectationOutcome]:
        """The outcomes that ended so."""
        return [outcome for outcome in self.results if outcome.status == status]


def gate_rules(table: Table) -> list[Rule]:
    """Every expectation of the table: the base suite from its contract, then its business rules."""
    rendered = [
        Rule(
            item["type"],
            item["kwargs"],
            item["kwargs"].get("column") or "",
            f"the contract of {table.full_name} does not hold: {item['type']}",
            item["severity"],
        )
        for item in base_suite(table)
    ]
    return [*rendered, *BUSINESS_RULES.get(table.full_name, ())]


def run_gate(table: Table, frame: pl.DataFrame) -> GateResult:
    """The outcome of every expectation of ``table`` over ``frame``, and the rows that break a critical one.

    Args:
        table: the contract that the batch is of.
        frame: its rows. A column ``business_date`` beyond the contract is taken as the day that the file is of.

    An expectation whose column is not in the batch is skipped (the one on the set of columns fails); so are all of an
    empty batch. An error inside an expectation is its own outcome, ``crashed``, and stops no other.
    """
    rules = gate_rules(table)
    if frame.is_empty():
        return GateResult([_outcome(rule, "skipped", 0, 0, "empty batch") for rule in rules], _no_rows())
    columns = derived_columns(frame)
    batch = frame.with_columns(**columns)
    runnable = [i for i, rule in enumerate(rules) if _columns_of(rule) <= set(batch.columns)]
    validator = _validator(batch)
    first = _validated(validator, rules, runnable, "BASIC")
    outcomes = [_judged(rule, first.get(i), frame.height) for i, rule in enumerate(rules)]
    at_fault = [i for i in runnable if outcomes[i].status == "failed" and rules[i].severity == "critical"]
    rows = _validated(validator, rules, at_fault, "COMPLETE") if at_fault else {}
    ordinals = sorted({place for result in rows.values() for place in _ordinals(result)})
    return GateResult(outcomes, _failing(frame, [(rules[i], rows[i]) for i in at_fault if i in rows]), ordinals)


def _validator(batch: pl.DataFrame) -> Validator:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    from great_expectations.core.batch import Batch
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.execution_engine.pandas_batch_data import PandasBatchData
    from great_expectations.validator.validator import Validator

    engine = PandasExecutionEngine()
    data = PandasBatchData(engine, _pandas_batch(batch))
    validator = Validator(execution_engine=engine, batches=[Batch(data=data)])
    validator.metrics_calculator.show_progress_bars = False
    return validator


def _pandas_batch(batch: pl.DataFrame) -> pd.DataFrame:
    """The batch on Arrow memory, save for what is compared with bounds.

    Great Expectations compares plain NumPy numbers at once and everything else value by value in Python. Decimals are
    compared with zero only, and a double keeps the sign of any of them; ids stay whole, since only columns of
    integers without a null become NumPy ones.
    """
    plain = batch.with_columns(cs.decimal().cast(pl.Float64), cs.enum().cast(pl.String))
    frame = plain.to_arrow().to_pandas(types_mapper=lambda t: None if str(t) == "double" else pd.ArrowDtype(t))
    whole = [name for name, dtype in plain.schema.items() if dtype == pl.Int64 and plain[name].null_count() == 0]
    batch_frame: pd.DataFrame = frame.astype(dict.fromkeys(whole, "int64"))
    return batch_frame


def _validated(
    validator: Validator, rules: Sequence[Rule], chosen: Iterable[int], result_format: str
) -> dict[int, ExpectationValidationResult]:
    """Results by ordinal of the rule: crashed expectations come back out of order, so each carries its ordinal."""
    results = validator.graph_validate(
        configurations=[_expectation(rules[i], i).configuration for i in chosen],
        runtime_configuration={"catch_exceptions": True, "result_format": {"result_format": result_format}},
    )
    return {result.expectation_config.meta["ordinal"]: result for result in results}


def _expectation(rule: Rule, ordinal: int) -> Any:
    """The rule as an object of Great Expectations. One object belongs to one run."""
    from great_expectations import expectations
    from great_expectations.expectations.row_conditions import Column

    confined: dict[str, Any] = {}
    if rule.where is not None:
        column, values = rule.where
        confined = {"row_condition": Column(column).is_in(list(values)), "condition_parser": "pandas"}
    return getattr(expectations, rule.type)(
        **rule.kwargs, **confined, severity=rule.severity, meta={"ordinal": ordinal}
    )


def _columns_of(rule: Rule) -> set[str]:
    """Columns that must be there for the rule to be run."""
    kwargs = rule.kwargs
    named = {kwargs[k] for k in ("column", "column_A", "column_B") if k in kwargs}
    confined = {rule.where[0]} if rule.where is not None else set()
    return named | confined | set(kwargs.get("column_list", ()))


def _judged(rule: Rule, result: ExpectationValidationResult | None, height: int) -> ExpectationOutcome:
    if result is None:
        return _outcome(rule, "skipped", 0, 0, "a column that it needs is not in the batch")
    error = _error_kind(result.exception_info)
    if error is not None:
        return _outcome(rule, "crashed", 0, 0, error)
    counts = result.result or {}
    status: Status = "passed" if result.success else "failed"
    return _outcome(
        rule, status, counts.get("unexpected_count") or 0, counts.get("element_count") or height, rule.detail
    )


def _outcome(rule: Rule, status: Status, unexpected: int, elements: int, detail: str) -> ExpectationOutcome:
    return ExpectationOutcome(rule.type, rule.field_name or None, status, rule.severity, unexpected, elements, detail)


def _error_kind(exception_info: Mapping[str, Any] | None) -> str | None:
    """Class of the error inside the expectation, or None. Its message may quote a value, so it stays here."""
    info = exception_info or {}
    infos = [info] if "raised_exception" in info else [item for item in info.values() if isinstance(item, Mapping)]
    for item in infos:
        if item.get("raised_exception"):
            lines = (item.get("exception_traceback") or "").strip().splitlines()
            return lines[-1].split(":", 1)[0].rsplit(".", 1)[-1] if lines else "unknown error"
    return None


def _ordinals(result: ExpectationValidationResult) -> list[int]:
    return (result.result or {}).get("unexpected_index_list") or []


def _failing(frame: pl.DataFrame, results: Sequence[tuple[Rule, ExpectationValidationResult]]) -> pl.DataFrame:
    """Lines at fault: one row per line and field, with the first rule that it breaks."""
    if "source_file_id" not in frame.columns:
        return _no_rows()
    line = pl.col("source_line") if "source_line" in frame.columns else pl.lit(0, dtype=pl.Int64)
    places = frame.select("source_file_id", line.alias("source_line"))
    parts = []
    for rule, result in results:
        fields = {
            "reason": pl.lit("quality_gate"),
            "field_name": pl.lit(rule.field_name),
            "detail": pl.lit(rule.detail),
        }
        parts.append(places[pl.Series(_ordinals(result), dtype=pl.UInt32)].with_columns(**fields))
    if not parts:
        return _no_rows()
    return (
        pl.concat(parts)
        .select(list(FAILING_SCHEMA))
        .cast(FAILING_SCHEMA)
        .unique(["source_file_id", "source_line", "field_name"], keep="first", maintain_order=True)
    )


def _no_rows() -> pl.DataFrame:
    return pl.DataFrame(schema=FAILING_SCHEMA)
