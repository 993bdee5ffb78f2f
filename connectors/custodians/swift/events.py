"""MT564: corporate actions as announced to the holder of an account."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.swift.faults import Messages, Part
from connectors.custodians.swift.figures import amount, day, day_field, typed_fields, units_field
from connectors.custodians.swift.instruments import with_ids
from connectors.custodians.swift.layout import gathered
from connectors.formats.codes import CodeTable
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import typed
from contracts.vocabularies import CORPORATE_ACTION_TYPES

TABLE: Final = "canonical.corporate_action"
EVENTS: Final = CodeTable(
    "events", Path(__file__).with_name("events.csv"), ("event",), ("action_type",),
    {"action_type": CORPORATE_ACTION_TYPES},
)  # fmt: skip
_DAYS: Final = ("prepared_date", "announced_date", "ex_date", "record_date", "pay_date", "effective_date")
_NAMES: Final = (
    "event_id", "function", "event", "participation", "instrument", *_DAYS, "cash_rate", "currency", "ratio_to_old",
    "ratio_added", "new_instrument",
)  # fmt: skip
_FUNCTIONS: Final = ("NEWM", "REPL", "RMDR", "ADDB", "CANC", "WITH")
_CANCELS: Final = ("CANC", "WITH")
_RATIO: Final = r"^([0-9]+(?:,[0-9]*)?)/([0-9]+(?:,[0-9]*)?)$"


def read_events(own: Messages, connection: Connection) -> Part:
    """What the MT564 of a file give."""
    taken = taken_events(own.fields, own.sound(own.grammar), connection)
    return Part(own.grammar, taken, tuple(taken.frames[TABLE]["announced_date"].drop_nulls().unique()))


def taken_events(fields: pl.DataFrame, records: pl.DataFrame, connection: Connection) -> Taken:
    """Feed rows of the sound MT564, each of them one event.

    The details of the event come before those of its options, of which the first that states something counts. A rate
    in percent (92A) is not an amount of cash per unit, so it gives no cash rate. WITH and CANC take the event back.
    """
    texts = gathered(fields, "event", ["message"], _NAMES).drop("line")
    rows = records.join(texts, on="message", how="left", maintain_order="left")
    rate, rate_currency = amount("cash_rate")
    to_old = pl.col("ratio_to_old")
    ratio = pl.coalesce(to_old, "ratio_added")
    rows = rows.with_columns(*(day(name).alias(name) for name in _DAYS), ratio=ratio).with_columns(
        cash_rate=rate, rate_currency=rate_currency, function=pl.col("function").str.extract("^([A-Z]{4})"),
        first_units=_side(1), second_units=_side(2),
    )  # fmt: skip
    values = [*(day_field(name) for name in _DAYS), units_field("cash_rate"), units_field("first_units"),
              units_field("second_units")]  # fmt: skip
    rows = typed_fields(rows, values)
    rows, id_checks = with_ids(rows)
    news, _ = with_ids(rows.select("message", "new_instrument"), "new_instrument")
    scheme = pl.coalesce(
        pl.when(pl.col(c).is_not_null()).then(pl.format("{}:{}", pl.lit(c.upper()), c))
        for c in ("isin", "cusip", "sedol")
    )
    rows = rows.join(news.select("message", new_identifier=scheme), on="message", how="left", maintain_order="left")
    meaning = EVENTS.meaning("action_type", connection.codes.get(EVENTS.name))
    rows = rows.with_columns(
        action_type=pl.col("event").replace_strict(meaning, default=None, return_dtype=pl.String),
        effective_on=pl.coalesce(typed(n) for n in ("ex_date", "effective_date", "pay_date", "record_date")),
    )
    checks = [*id_checks, *(check for field in values for check in field.checks), *_own_checks()]
    good, rejects = separated(rows, checks, TABLE)
    return Taken({TABLE: _rows(good)}, [rejects])


def _side(number: int) -> pl.Expr:
    side = pl.col("ratio").str.extract(_RATIO, number).str.replace(",", ".", literal=True)
    return pl.when(pl.col("ratio").is_not_null()).then(pl.coalesce(side, "ratio"))


def _own_checks() -> list[Check]:
    return [
        Check("20C", "missing_value", pl.col("event_id").is_null(), "the event has no reference (20C::CORP)."),
        Check("20C", "contract_violation", pl.col("event_id").str.len_bytes() > 120, "a reference that is too long."),
        Check(
            "22F", "unknown_code", pl.col("action_type").is_null() | (pl.col("action_type") == ""),
            pl.format("22F::CAEV {} is not known. If it is right, add it to events.csv.",
                      pl.col("event").fill_null("").str.head(20)),
        ),
        Check(
            "23G", "unknown_code", ~pl.col("function").is_in(_FUNCTIONS).fill_null(False),
            "the function (23G) is none that is known.",
        ),
        Check("98A", "missing_value", pl.col("effective_on").is_null(), "the event has none of its dates."),
        Check(
            "92F", "unparsable_number", pl.col("cash_rate").is_not_null() & pl.col("rate_currency").is_null(),
            "a cash rate without a currency.",
        ),
    ]  # fmt: skip


def _rows(good: pl.DataFrame) -> pl.DataFrame:
    """NEWO states new units to old; ADEX states units added to existing ones, which old units stay beside."""
    first, second = typed("first_units"), typed("second_units")
    is_added = pl.col("ratio_to_old").is_null()
    added_to = pl.col("action_type").is_in(["SPLIT", "STOCK_DIVIDEND", "REVERSE_SPLIT"])
    return conformed(
        TABLE,
        good.select(
            "cusip", "isin", "sedol", "ticker", "provider_security_id", "action_type", "effective_on", "new_identifier",
            source_line="line", provider_event_id="event_id",
            announced_date=pl.coalesce(typed("announced_date"), typed("prepared_date")),
            ex_date=typed("ex_date"), record_date=typed("record_date"), pay_date=typed("pay_date"),
            cash_rate=typed("cash_rate"),
            currency=pl.coalesce("rate_currency", pl.col("currency").str.extract("^([A-Z]{3})$")),
            new_units=pl.when(is_added & added_to).then(first + second).otherwise(first), old_units=second,
            is_cancelled=pl.col("function").is_in(_CANCELS),
            provider_code=pl.concat_str("event", "participation", separator="/", ignore_nulls=True).str.head(64),
        ),
    )  # fmt: skip
