"""Business rules of the quality gate: hand-written expectations, as plain data beside the rendered base suite.

Belongs here: what a batch of one table must satisfy that neither a dtype nor a bound can say. Does not belong here:
what the contract states already, and how expectations are run (``gate``).

A rule may use a derived column; ``derived_columns`` computes those that the batch allows. They are never shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal

import polars as pl

Severity = Literal["critical", "warning", "info"]
"""critical: the row is held back; warning: it goes on, and the check says so; info: counted only."""

TRADES_IN: Final = ("BUY", "BUY_TO_COVER")
TRADES_OUT: Final = ("SELL", "SELL_SHORT")


@dataclass(frozen=True)
class Rule:
    """One expectation with its reason in words.

    Attributes:
        type: name of the Great Expectations class.
        kwargs: its arguments.
        field_name: the field that is at fault when it fails.
        detail: what is wrong and what to do about it, without client data.
        severity: what a failure means.
        where: column and values to which the rule is confined; None: every row.
    """

    type: str
    kwargs: dict[str, Any]
    field_name: str
    detail: str
    severity: Severity = "critical"
    where: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True)
class Derived:
    """A column computed for the rules, and the columns that it needs."""

    expression: pl.Expr
    needs: frozenset[str] = field(default_factory=frozenset)


_DERIVED: Final = {
    # Somewhere on Earth it is up to 14 hours later than in UTC, and dates are the provider's own local ones.
    "latest_possible_date": Derived(
        pl.col("known_at").dt.offset_by("14h").dt.replace_time_zone(None).dt.date(), frozenset({"known_at"})
    ),
    "booked_type": Derived(
        pl.when(~pl.col("is_cancel")).then(pl.col("transaction_type").cast(pl.String)),
        frozenset({"is_cancel", "transaction_type"}),
    ),
    # What was paid for the securities themselves: a small sale may cost more than it brings.
    "gross_amount": Derived(
        pl.col("amount") + pl.col("commission") + pl.col("fees") + pl.col("tax_withheld"),
        frozenset({"amount", "commission", "fees", "tax_withheld"}),
    ),
}


def derived_columns(frame: pl.DataFrame) -> dict[str, pl.Expr]:
    """The derived columns whose inputs are there.

    ``business_date``, when the caller joins the file's own to the batch, bounds dates in place of the arrival.
    """
    present = set(frame.columns)
    found = {name: derived.expression for name, derived in _DERIVED.items() if derived.needs <= present}
    if "business_date" in present:
        bound = found.get("latest_possible_date")
        own = pl.col("business_date")
        found["latest_possible_date"] = own if bound is None else pl.coalesce(own, bound)
    return found


def _not_after(later: str, earlier: str, detail: str, *, at_fault: str, severity: Severity = "critical") -> Rule:
    return Rule(
        "ExpectColumnPairValuesAToBeGreaterThanB",
        {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"},
        at_fault,
        detail,
        severity,
    )


def _not_in_future(column: str) -> Rule:
    return _not_after(
        "latest_possible_date", column,
        "the date lies after the day that the file is of; ask the provider for a corrected file",
        at_fault=column,
    )  # fmt: skip


def _between(
    column: str, detail: str, *, at_fault: str | None = None, severity: Severity = "critical",
    where: tuple[str, tuple[str, ...]] | None = None, **bounds: Any,
) -> Rule:  # fmt: skip
    return Rule(
        "ExpectColumnValuesToBeBetween", {"column": column, **bounds}, at_fault or column, detail, severity, where
    )


BUSINESS_RULES: Final[dict[str, tuple[Rule, ...]]] = {
    "canonical.transaction": (
        _not_in_future("trade_date"),
        _not_after("settle_date", "trade_date", "the trade settles before it is made", at_fault="settle_date"),
        _between("amount", "a purchase adds to cash", max_value=0, where=("booked_type", TRADES_IN)),
        _between(
            "gross_amount", "a sale takes from cash before costs",
            at_fault="amount", min_value=0, where=("booked_type", TRADES_OUT),
        ),
        _between("quantity", "a purchase takes from the holding", min_value=0, where=("booked_type", TRADES_IN)),
        _between("quantity", "a sale adds to the holding", max_value=0, where=("booked_type", TRADES_OUT)),
        _between(
            "price", "a trade at no price, or at a negative one",
            severity="warning", min_value=0, strict_min=True, where=("booked_type", TRADES_IN + TRADES_OUT),
        ),
    ),
    "canonical.price": (
        _not_in_future("price_date"),
        _between("price", "a price of zero or less values nothing", min_value=0, strict_min=True),
    ),
    "canonical.fx_rate": (_not_in_future("rate_date"),),
    "canonical.custodian_position": (
        _not_in_future("as_of_date"),
        _between("quantity", "a long holding below zero", min_value=0, where=("position_side", ("long",))),
        _between("quantity", "a short holding above zero", max_value=0, where=("position_side", ("short",))),
        _between("price", "a negative price", severity="warning", min_value=0),
    ),
    "canonical.custodian_balance": (_not_in_future("as_of_date"),),
    "canonical.account": (
        _not_after("closed_date", "opened_date", "the account closes before it opens", at_fault="closed_date"),
    ),
    "canonical.security": (
        _between("price_factor", "a factor of zero or less values nothing", min_value=0, strict_min=True),
        _between("multiplier", "a multiplier of zero or less values nothing", min_value=0, strict_min=True),
    ),
    "accounting.position": (
        _not_after("as_of_date", "price_date", "valued at a price of a later day", at_fault="price_date"),
        _not_after("as_of_date", "rate_date", "valued at a rate of a later day", at_fault="rate_date"),
    ),
    "accounting.account_valuation": (
        _between("inflow_base", "an inflow below zero", min_value=0),
        _between("outflow_base", "an outflow below zero", min_value=0),
        _not_after(
            "position_count", "unvalued_count", "more unvalued positions than positions", at_fault="unvalued_count"
        ),
        _not_after("position_count", "stale_count", "more stale positions than positions", at_fault="stale_count"),
        _between(
            "daily_return", "a return beyond 50 % in a day: held for review (docs/methodology.md section 7)",
            severity="warning", min_value=-0.5, max_value=0.5,
        ),
    ),
}  # fmt: skip
"""``schema.table`` to its rules. A table without rules has its base suite alone."""
