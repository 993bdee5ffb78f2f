"""Past dividends, as the bulk cells of DVD_HIST_ALL state them: declared, ex, record, pay, amount, frequency, type."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.minor_units import in_currency
from connectors.formats.rejects import Check
from connectors.formats.taken import conformed
from connectors.formats.values import typed, with_values
from connectors.market_data.bloomberg.cells import value
from connectors.market_data.bloomberg.envelope import Envelope
from connectors.market_data.bloomberg.tables import ACTIONS, MINOR_UNITS, meaning

TABLE: Final = "canonical.corporate_action"
_COLUMNS: Final = ("announced", "ex", "record", "pay", "rate", "frequency", "kind")
_DAYS: Final = ("announced", "ex", "record", "pay")


def read(bulk: pl.DataFrame, envelope: Envelope, connection: Connection) -> pl.DataFrame:
    """Rows of the bulk cells with their values and ``action_type``; ``line`` says of which record."""
    format_, pattern = envelope.date_format
    texts = bulk.with_columns(
        value(pl.col("cell").list.get(place, null_on_oob=True)).alias(name) for place, name in enumerate(_COLUMNS)
    ).with_columns(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in _COLUMNS)
    fields = [*(values.date(name, format=format_, pattern=pattern) for name in _DAYS), values.decimal("rate", scale=8)]
    known = meaning(ACTIONS, "action_type", connection, pl.col("kind"))
    return with_values(texts, fields).with_columns(known.alias("action_type"))


def checks(paid: pl.DataFrame) -> list[Check]:
    """Findings for the records of which a row is at fault: the record is held back whole."""
    faults = {
        "impossible_date": typed("ex").is_null()
        | pl.any_horizontal(pl.col(name).is_not_null() & typed(name).is_null() for name in _DAYS),
        "unparsable_number": pl.col("rate").is_not_null() & typed("rate").is_null(),
        "unknown_code": pl.col("action_type").is_null(),
    }
    details = {
        "impossible_date": "a dividend has no ex-day, or a day that is none of the calendar.",
        "unparsable_number": "a dividend's amount is no number of at most eight decimals.",
        "unknown_code": "a dividend's type is not known. If it is right, add it to actions.csv.",
    }
    found = {reason: paid.filter(fault)["line"].unique() for reason, fault in faults.items()}
    return [
        Check("DVD_HIST_ALL", reason, pl.col("line").is_in(lines.implode()), details[reason])
        for reason, lines in found.items()
        if lines.len()
    ]


def rows(good: pl.DataFrame, paid: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    """Corporate actions of the good records. They have no number of their own: type and days stand for it."""
    names = ("cusip", "isin", "sedol", "figi", "provider_security_id", "ticker", "currency", "iso")
    joined = paid.join(good.select("line", *names), on="line", how="inner", maintain_order="left")
    hundredths = MINOR_UNITS.meaning("currency", connection.codes.get("minor_units"))
    return conformed(
        TABLE,
        joined.select(
            pl.col("line").alias("source_line"),
            *names[:6],
            pl.format(
                "{}/{}/{}",
                "kind",
                typed("ex").cast(pl.String),
                typed("pay").cast(pl.String).fill_null(""),
            ).alias("provider_event_id"),
            "action_type",
            typed("ex").alias("effective_on"),
            typed("announced").alias("announced_date"),
            typed("ex").alias("ex_date"),
            typed("record").alias("record_date"),
            typed("pay").alias("pay_date"),
            in_currency("rate", "currency", hundredths).alias("cash_rate"),
            pl.col("iso").alias("currency"),
            pl.lit(False).alias("is_cancelled"),
            pl.col("kind").alias("provider_code"),
        ),
    )
