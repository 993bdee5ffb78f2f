"""Rows of getactions: corporate actions. leading fields in the order of layouts.csv, then pairs of name and value.

The reply's layout is from memory (MEM): a firm's own documentation takes precedence, and corrects layouts.csv.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.formats import values
from connectors.formats.minor_units import currency_checks, currency_of, in_currency
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import Field, checks_of, typed, with_values
from connectors.market_data.bloomberg import cells
from connectors.market_data.bloomberg.envelope import Envelope, Section
from connectors.market_data.bloomberg.tables import ACTIONS, MINOR_UNITS, action_fields, is_listed, meaning, mnemonics

TABLE: Final = "canonical.corporate_action"
_FLAGS: Final = {"N": False, "U": False, "D": True}
_ID_TYPES: Final = {"CUSIP": 9, "ISIN": 12, "SEDOL": 7}
"""Kind of identifier to its length."""
_DAYS: Final = ("announced", "effective", "record_date", "pay_date")
_RATIO_TYPES: Final = ("SPLIT", "STOCK_DIVIDEND", "SPINOFF", "MERGER", "RIGHTS")


def taken_actions(section: Section, envelope: Envelope, connection: Connection) -> Taken:
    """Corporate actions of a section. A row that says that a security has no event gives none, and is held back."""
    rows = _read(section.records, envelope)
    has_data, code_checks = cells.retcode_check("getactions", connection)
    is_bare = pl.col("retcode").is_not_null() & pl.col("mnemonic").is_null()
    none = Check("RETCODE", "missing_value", is_bare & has_data, "the security has no event in the range.")
    refused = separated(rows.filter(~has_data | is_bare), [*code_checks, none], TABLE)[1]
    format_, pattern = envelope.date_format
    fields: list[Field] = [
        *(values.date(name, format=format_, pattern=pattern) for name in _DAYS),
        values.decimal("rate", scale=8),
        values.decimal("ratio", scale=8),
        values.text("event_id", max_length=120, required=True),
        values.text("unique_id", max_length=64),
        values.text("figi", max_length=12),
        values.text("id_value", max_length=12),
        values.text("new_isin", max_length=12),
        values.text("id", max_length=64),
    ]
    read = with_values(rows.filter(has_data & ~is_bare), fields).with_columns(_derived(connection))
    good, held = separated(read, [*checks_of(fields), *_checks(connection)], TABLE)
    return Taken({TABLE: _rows(good, connection)}, (refused, held))


def _read(records: pl.DataFrame, envelope: Envelope) -> pl.DataFrame:
    names = action_fields()
    split = records.with_columns(pl.col("text").str.split(envelope.delimiter).alias("cells"))
    read = split.with_columns(cells.value(cells.cell(place)).alias(name) for place, name in enumerate(names))
    pairs = pl.col("cells").list.slice(len(names))
    keys, told = pairs.list.gather_every(2), pairs.list.gather_every(2, 1)
    read = read.with_columns(keys.alias("keys"), told.alias("told"))
    return read.with_columns(_paired(known[0]).alias(name) for name, known in mnemonics("pair").items())


def _paired(mnemonic: str) -> pl.Expr:
    place = pl.col("keys").list.eval(pl.element().str.strip_chars(" ") == mnemonic).list.arg_max()
    has_it = pl.col("keys").list.eval(pl.element().str.strip_chars(" ")).list.contains(mnemonic)
    text = pl.col("told").list.get(place, null_on_oob=True).str.strip_chars(" ")
    return cells.value(pl.when(has_it & (text != "")).then(text))


def _derived(connection: Connection) -> list[pl.Expr]:
    kind = meaning(ACTIONS, "action_type", connection, pl.col("mnemonic"))
    is_reverse = (kind == "SPLIT") & (typed("ratio") < 1)
    return [
        pl.when(is_reverse).then(pl.lit("REVERSE_SPLIT")).otherwise(kind).alias("action_type"),
        pl.coalesce("rate_currency", "currency").alias("paid_in"),
        pl.col("flag")
        .replace_strict(list(_FLAGS), list(_FLAGS.values()), default=None, return_dtype=pl.Boolean)
        .alias("is_cancelled"),
        pl.coalesce(typed("effective"), typed("announced")).alias("effective_on"),
    ]


def _checks(connection: Connection) -> list[Check]:
    mnemonic = pl.col("mnemonic")
    unknown = pl.format("event {} is not known. If it is right, add it to actions.csv.", mnemonic.str.slice(0, 24))
    nameless = ~pl.any_horizontal(pl.col(name).is_not_null() for name in ("figi", "unique_id", "id_value", "id"))
    pairs = pl.col("cells").list.len().cast(pl.Int64) - len(action_fields()) - cells.cell_is_last_blank()
    hundredths = MINOR_UNITS.meaning("currency", connection.codes.get("minor_units"))
    odd = (pairs != 2 * pl.col("nfields").cast(pl.Int64, strict=False)).fill_null(True)
    is_cash = pl.col("action_type") == "CASH_DIVIDEND"
    limit = pl.col("id_type").str.to_uppercase().replace_strict(_ID_TYPES, default=12, return_dtype=pl.UInt32)
    long_id = pl.col("id_value").str.len_bytes() > limit
    return [
        Check("record", "wrong_field_count", odd, "the row has another number of pairs than it states."),
        Check("mnemonic", "unknown_code", ~is_listed(ACTIONS, connection, mnemonic), unknown),
        Check("flag", "unknown_code", pl.col("is_cancelled").is_null(), "the flag is none of N, U and D."),
        Check("effective", "missing_value", pl.col("effective_on").is_null(), "the event has no day."),
        Check("id", "missing_value", nameless, "the row names no security."),
        Check("CP_GROSS_AMT", "missing_value", is_cash & typed("rate").is_null() & ~pl.col("is_cancelled"), _NO_RATE),
        Check("CP_GROSS_AMT", "number_out_of_range", typed("rate") < 0, "the amount is less than nothing."),
        Check("CP_RATIO", "number_out_of_range", typed("ratio") <= 0, "the ratio is not positive."),
        Check("id_value", "contract_violation", long_id, "the identifier is longer than one of its kind."),
        *currency_checks("paid_in", ["rate"], hundredths, "minor_units.csv"),
    ]


_NO_RATE: Final = "a dividend without its amount. Ask for CP_GROSS_AMT."


def _rows(good: pl.DataFrame, connection: Connection) -> pl.DataFrame:
    hundredths = MINOR_UNITS.meaning("currency", connection.codes.get("minor_units"))
    kind = pl.col("id_type").str.to_uppercase()
    one = pl.lit(1).cast(pl.Decimal(20, 8))
    has_ratio = pl.col("action_type").is_in([*_RATIO_TYPES, "REVERSE_SPLIT"]) & typed("ratio").is_not_null()
    is_paid = typed("rate").is_not_null()
    ex = pl.when(pl.col("record_date").is_not_null() | is_paid | has_ratio).then(typed("effective"))
    return conformed(
        TABLE,
        good.select(
            pl.col("line").alias("source_line"),
            *(pl.when(kind == name).then(pl.col("id_value")).alias(name.lower()) for name in _ID_TYPES),
            "figi",
            pl.col("unique_id").alias("provider_security_id"),
            pl.when(pl.col("id").str.contains(" ")).then(pl.col("id").str.replace_all(r"\s+", " ")).alias("ticker"),
            pl.col("event_id").alias("provider_event_id"),
            "action_type",
            "effective_on",
            typed("announced").alias("announced_date"),
            ex.alias("ex_date"),
            typed("record_date").alias("record_date"),
            typed("pay_date").alias("pay_date"),
            pl.when(is_paid).then(in_currency("rate", "paid_in", hundredths)).alias("cash_rate"),
            currency_of("paid_in", hundredths).alias("currency"),
            pl.when(has_ratio).then(typed("ratio")).alias("new_units"),
            pl.when(has_ratio).then(one).alias("old_units"),
            pl.when(pl.col("new_isin").is_not_null()).then(pl.format("ISIN:{}", "new_isin")).alias("new_identifier"),
            "is_cancelled",
            pl.col("mnemonic").alias("provider_code"),
        ),
    )
