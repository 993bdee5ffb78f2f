"""MT536: securities that came and went, in our signs. A trade is booked here, its cash included.

An MT940 reports the same cash once more on settlement day; it is not booked there (``cash_types.csv``, MT536).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.swift.accounts import with_account
from connectors.custodians.swift.faults import Messages, Part
from connectors.custodians.swift.figures import (
    MONEY,
    amount,
    day,
    day_field,
    money_field,
    price,
    quantity,
    typed_fields,
    units_field,
)
from connectors.custodians.swift.instruments import CLASSIFICATIONS, DESCRIBED, described, security_rows, with_ids
from connectors.custodians.swift.layout import gathered
from connectors.custodians.swift.statements import heads_of
from connectors.formats.codes import CodeTable, code_of
from connectors.formats.rejects import Check, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import typed, zero
from contracts.vocabularies import TRANSACTION_TYPES

TABLE: Final = "canonical.transaction"
CODE: Final = ("transaction", "event", "settlement_type", "direction", "payment")
MOVEMENTS: Final = CodeTable(
    "movements", Path(__file__).with_name("movements.csv"), CODE, ("transaction_type",),
    {"transaction_type": TRANSACTION_TYPES},
)  # fmt: skip
NAMES: Final = (
    "reference", "previous", "quantity", "amount", *CODE, "move", "effective_settlement_date", "settlement_date",
    "trade_date", "price",
)  # fmt: skip
COSTS: Final = ("commission", "fees", "accrued_interest", "tax_withheld")
_ID_CHARACTERS: Final = 255
_NO_REFERENCE: Final = "NONREF"


def read_movements(own: Messages, connection: Connection) -> Part:
    """What the MT536 of a file give."""
    heads, faults = heads_of(own, "536", connection)
    taken = taken_movements(heads, own.fields, own.sound(faults), connection)
    return Part(faults, taken, tuple(heads["as_of_date"].unique()))


def taken_movements(heads: pl.DataFrame, fields: pl.DataFrame, records: pl.DataFrame, connection: Connection) -> Taken:
    """Feed rows of the sound MT536: transactions, and the securities that they describe in full (FIA)."""
    rows, checks = _movements(heads, fields, records, connection)
    good, rejects = separated(rows, checks, TABLE)
    # A description without attributes would take the place of a better one.
    told = good.filter(pl.col("classification").is_not_null()).with_columns(
        business_date="as_of_date", currency=pl.lit(None, dtype=pl.String)
    )
    frames = {
        TABLE: _transactions(good, connection.base_currency),
        "canonical.security": security_rows(told, connection.codes.get(CLASSIFICATIONS.name)),
    }
    return Taken(frames, [rejects])


def _movements(
    heads: pl.DataFrame, fields: pl.DataFrame, records: pl.DataFrame, connection: Connection
) -> tuple[pl.DataFrame, list[Check]]:
    """Movements of sound messages with typed columns, and their checks."""
    texts = gathered(fields, "movement", ["message", "tran_line"], NAMES).drop("line")
    securities = gathered(fields, "holding", ["fin_line"], ("instrument", *DESCRIBED)).drop("line")
    safes = gathered(fields, "subsafe", ["safe_line"], ("account",)).drop("line")
    places = fields.group_by(line="tran_line").agg(pl.col("fin_line", "safe_line").first())
    rows = (
        records.join(texts.rename({"tran_line": "line"}), on=["message", "line"], how="left", maintain_order="left")
        .join(places, on="line", how="left", maintain_order="left")
        .join(securities, on="fin_line", how="left", maintain_order="left")
        .join(with_account(safes, connection), on="safe_line", how="left", maintain_order="left")
        .join(
            heads.select("message", "as_of_date", "function", head_account="account"),
            on="message", maintain_order="left",
        )
        .with_columns(account=pl.coalesce("account", "head_account"))
    )  # fmt: skip
    units, kind = quantity("quantity")
    money, currency = amount("amount")
    figure, price_type, price_currency = price("price")
    settled = pl.coalesce(day("effective_settlement_date"), day("settlement_date"))
    rows = rows.with_columns(
        quantity=units, quantity_type=kind, amount=money, currency=currency, price=figure, price_type=price_type,
        price_currency=price_currency, settle_date=settled, trade_date=pl.coalesce(day("trade_date"), settled),
    )  # fmt: skip
    values = [
        units_field("quantity", required=True), money_field("amount"), units_field("price"),
        day_field("trade_date", required=True), day_field("settle_date"),
    ]  # fmt: skip
    rows, more = described(typed_fields(rows, values))
    rows, id_checks = with_ids(rows)
    rows, cost_checks = _with_costs(rows, fields)
    meaning = MOVEMENTS.meaning("transaction_type", connection.codes.get(MOVEMENTS.name))
    rows = rows.with_columns(code=code_of(CODE)).with_columns(
        transaction_type=pl.col("code").replace_strict(meaning, default=None, return_dtype=pl.String)
    )
    return rows, [
        *id_checks, *(check for field in (*values, *more) for check in field.checks), *_own_checks(), *cost_checks,
    ]  # fmt: skip


def _own_checks() -> list[Check]:
    is_paid = pl.col("payment") == "APMT"
    return [
        Check(
            "22F", "unknown_code", pl.col("transaction_type").is_null() | (pl.col("transaction_type") == ""),
            pl.format("{} is not known. If it is right, add it to movements.csv.", pl.col("code").str.head(60)),
        ),
        Check(
            "36B", "unknown_code", pl.col("quantity").is_not_null() & pl.col("quantity_type").is_null(),
            "the quantity (36B::PSTA) has none of the types UNIT, FAMT, AMOR.",
        ),
        Check("19A", "missing_value", is_paid & pl.col("amount").is_null(), "against payment, and no amount."),
        Check(
            "19A", "unparsable_number", pl.col("amount").is_not_null() & pl.col("currency").is_null(),
            "the amount (19A::PSTA) has no currency.",
        ),
        Check(
            "25D", "unknown_code", (pl.col("move") != "REVE").fill_null(False),
            "25D::MOVE is not REVE. Ask the sender what it means.",
        ),
        Check(
            "25D", "contract_violation", pl.col("move").is_not_null() & (pl.col("function") == "CANC"),
            "a cancelled message holds a reversal: what it leaves standing cannot be told.",
        ),
        Check(
            "20C", "contract_violation", pl.max_horizontal(
                pl.col("reference").str.len_bytes(), pl.col("previous").str.len_bytes()
            ) > _ID_CHARACTERS, f"a reference of over {_ID_CHARACTERS} characters.",
        ),
        Check("97A", "contract_violation", pl.col("account").str.len_bytes() > 64, "an account of over 64 characters."),
    ]  # fmt: skip


def _with_costs(rows: pl.DataFrame, fields: pl.DataFrame) -> tuple[pl.DataFrame, list[Check]]:
    """The rows with commission, fees, accrued interest and withheld tax: sums of the amounts that say them."""
    part = fields.filter((pl.col("record") == "amount") & pl.col("tran_line").is_not_null())
    number, currency = amount("value")
    part = part.select("field", line="tran_line", number=number, cost_currency=currency)
    field = money_field("number", required=True)
    part = typed_fields(part, [field]).with_columns(is_bad=pl.any_horizontal(c.failed for c in field.checks))
    wide = pl.Decimal(38, MONEY)
    sums = part.group_by("line").agg(
        *(typed("number").filter(pl.col("field") == name).abs().cast(wide).sum().alias(name) for name in COSTS),
        is_bad=pl.col("is_bad").any() | pl.col("cost_currency").is_null().any(),
        cost_currencies=pl.col("cost_currency").unique(),
    )
    rows = rows.join(sums, on="line", how="left", maintain_order="left").with_columns(
        pl.col(name).fill_null(0).cast(pl.Decimal(20, MONEY), strict=False).alias(name) for name in COSTS
    )
    other = pl.col("cost_currencies").list.set_difference(pl.concat_list("currency")).list.len() > 0
    too_large = pl.any_horizontal(pl.col(name).is_null() for name in COSTS)
    return rows, [
        Check("19A", "unparsable_number", pl.col("is_bad"), "an amount (19A) is not CCYn,n."),
        Check("19A", "number_out_of_range", too_large, "the costs add up to more than fits."),
        Check(
            "19A", "contract_violation", other & pl.col("currency").is_not_null(),
            "a cost is not in the currency of the amount, of which it is to be a part.",
        ),
    ]  # fmt: skip


def _transactions(good: pl.DataFrame, base_currency: str) -> pl.DataFrame:
    """Rows of ``contracts.feed.FeedTransaction``.

    The direction signs quantity and cash; N before a number turns it round. Without payment there is no cash, whatever
    value is stated. A reversal states the movement as it was booked: it and a cancelled message are cancels of it.
    """
    comes = pl.col("direction") == "RECE"
    is_free = pl.col("payment") == "FREE"
    is_reversal = pl.col("move").is_not_null()
    is_cancelled = pl.col("function") == "CANC"
    reference = pl.when(pl.col("reference") != _NO_REFERENCE).then("reference")
    previous = pl.when(pl.col("previous") != _NO_REFERENCE).then("previous")
    nought = zero(MONEY)
    paid = typed("amount").fill_null(nought)
    currency = pl.coalesce("currency", "price_currency", "denomination", pl.lit(base_currency))
    return conformed(
        TABLE,
        good.select(
            "isin", "cusip", "sedol", "ticker", "provider_security_id", "transaction_type", *COSTS,
            source_line="line", account_number="account", trade_date=typed("trade_date"),
            settle_date=typed("settle_date"), price=typed("price"),
            quantity=pl.when(comes).then(typed("quantity")).otherwise(-typed("quantity")),
            amount=pl.when(is_free).then(nought).when(comes).then(-paid).otherwise(paid),
            currency=currency, is_cancel=is_reversal | is_cancelled, provider_transaction_id=reference,
            reverses=pl.when(is_reversal | is_cancelled).then(pl.coalesce(previous, reference)),
            provider_code=pl.col("code").str.head(64),
        ),
    )  # fmt: skip
