"""MT535: holdings, the prices and securities that they are stated with, and the statement's control totals."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.connection import Connection
from connectors.custodians.swift.accounts import account_rows, with_account
from connectors.custodians.swift.faults import Messages, Part, failed, merged
from connectors.custodians.swift.figures import (
    MONEY,
    UNITS,
    amount,
    day,
    day_field,
    money_field,
    pending,
    price,
    quantity,
    typed_fields,
    units_field,
)
from connectors.custodians.swift.instruments import (
    CLASSIFICATIONS,
    DESCRIBED,
    IDS,
    described,
    security_rows,
    with_ids,
)
from connectors.custodians.swift.layout import gathered
from connectors.custodians.swift.statements import heads_of
from connectors.formats.rejects import Check, rejected, separated
from connectors.formats.taken import Taken, conformed
from connectors.formats.values import typed

TABLE: Final = "canonical.custodian_position"
PRICE: Final = "canonical.price"
NAMES: Final = ("instrument", "price", "indicative_price", "price_date", "quantity", *DESCRIBED)
_WIDE: Final = pl.Decimal(38, MONEY)
_SETTLED: Final = ("SETT", "CONT")


def read_holdings(own: Messages, connection: Connection) -> Part:
    """What the MT535 of a file give."""
    heads, found = heads_of(own, "535", connection)
    amounts = amounts_of(own.fields)
    faults = merged([found, totals_faults(heads, own.fields, amounts)])
    heads = with_total_currency(heads, own.fields).join(faults, on="message", how="anti").sort("message")
    taken = taken_holdings(heads, own.fields, own.sound(faults), amounts, connection)
    has_changes = bool((heads["update_type"] == "DELT").any())
    return Part(faults, taken, tuple(heads["as_of_date"].unique()), has_changes=has_changes)


def amounts_of(fields: pl.DataFrame) -> pl.DataFrame:
    """The amounts of an MT535's holdings: ``message, fin_line, field, currency, money`` (null: not readable)."""
    part = fields.filter((pl.col("record") == "amount") & pl.col("fin_line").is_not_null())
    number, currency = amount("value")
    part = part.select("message", "fin_line", "field", number=number, currency=currency)
    field = money_field("number", required=True)
    typed_part = typed_fields(part, [field]).with_columns(is_bad=pl.any_horizontal(c.failed for c in field.checks))
    readable = pl.when(~pl.col("is_bad") & pl.col("currency").is_not_null()).then(typed("number"))
    return typed_part.select("message", "fin_line", "field", "currency", money=readable)


def totals_faults(heads: pl.DataFrame, fields: pl.DataFrame, amounts: pl.DataFrame) -> pl.DataFrame:
    """Faults of statements whose control totals (HOLP of a page, HOLS of the statement) are not their holdings' sum.

    Checked where each holding states its value in the total's currency; a custodian counts accrued interest in or not.
    """
    totals = gathered(fields, "total", ["message"], ("page_total", "statement_total"))
    holdings = fields.group_by("message").agg(holdings=pl.col("fin_line").drop_nulls().n_unique())
    pages = heads.select("message", "statement").join(totals.drop("line"), on="message", how="left")
    pages = pages.join(holdings, on="message", how="left").with_columns(pl.col("holdings").fill_null(0))
    readable = amounts.filter(pl.col("money").is_not_null())
    sums = readable.group_by("message", "currency").agg(
        value=pl.col("money").filter(pl.col("field") == "value").cast(_WIDE).sum(),
        accrued=pl.col("money").filter(pl.col("field") == "accrued").cast(_WIDE).sum(),
        valued=pl.col("fin_line").filter(pl.col("field") == "value").n_unique(),
    )
    sums = sums.join(pages.select("message", "statement"), on="message")
    found = []
    for name, key, tag in (("page_total", "message", "HOLP"), ("statement_total", "statement", "HOLS")):
        number, currency = amount(name)
        field = money_field("stated", required=True)
        stated = pages.filter(pl.col(name).is_not_null()).with_columns(stated=number, currency=currency)
        stated = typed_fields(stated, [field])
        own = sums.group_by(key, "currency").agg(pl.col("value", "accrued", "valued").sum())
        count = pages.group_by(key).agg(count=pl.col("holdings").sum())
        stated = stated.join(count, on=key).join(own, on=[key, "currency"], how="left")
        stated = stated.with_columns(pl.col("value", "accrued").fill_null(0), pl.col("valued").fill_null(0))
        total = typed("stated").cast(_WIDE)
        is_off = (
            (pl.col("valued") == pl.col("count"))
            & (total != pl.col("value"))
            & (total != pl.col("value") + pl.col("accrued"))
        )
        is_bad = pl.any_horizontal(check.failed for check in field.checks) | pl.col("currency").is_null()
        detail = f"the control total {tag} is not the sum of the holdings. Ask for the statement again."
        bad = failed(stated, [Check("19A", "trailer_mismatch", is_off | is_bad, detail)])
        found.append(bad if key == "message" else _spread(bad, pages))
    return merged(found)


def _spread(faults: pl.DataFrame, pages: pl.DataFrame) -> pl.DataFrame:
    """A fault of one page, on all pages of its statement."""
    ids = pages.select("message", "statement")
    struck = faults.join(ids, on="message").unique("statement", keep="first", maintain_order=True).drop("message")
    return struck.join(ids, on="statement").select(faults.columns)


def taken_holdings(
    heads: pl.DataFrame, fields: pl.DataFrame, records: pl.DataFrame, amounts: pl.DataFrame, connection: Connection
) -> Taken:
    """Feed rows of the sound MT535: positions, prices, securities and accounts.

    Args:
        heads: of sound messages.
        fields, amounts: of all MT535.
        records: of sound messages, with ``line`` and ``text``.
        connection: for the base currency, and the firm's own code tables.
    """
    holdings, checks = _holdings(heads, fields, records, amounts, connection)
    good, rejects = separated(holdings, checks, TABLE)
    positions, overflowed = _positions(good)
    good = good.join(overflowed.select("line"), on="line", how="anti", maintain_order="left")
    detail = "the holdings of one security in parts of the account add up to more than a quantity can be."
    overflow = rejected(overflowed, Check("93B", "number_out_of_range", pl.lit(True), detail), TABLE)
    own_table = connection.codes.get(CLASSIFICATIONS.name)
    owners = pl.concat(
        [
            heads.select("line", "account", currency=_head_currency(), business_date="as_of_date"),
            good.select("line", "account", currency="head_currency", business_date="as_of_date"),
        ]
    ).sort("line")
    frames = {
        TABLE: positions, PRICE: _prices(good), "canonical.account": account_rows(owners, connection),
        "canonical.security": security_rows(good.with_columns(business_date="as_of_date"), own_table),
    }  # fmt: skip
    return Taken(frames, [rejects, overflow])


def with_total_currency(heads: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """The heads with ``total``: a control total of their statement, whose currency is the account's own."""
    totals = gathered(fields, "total", ["message"], ("page_total", "statement_total"))
    told = totals.select("message", total=pl.coalesce("statement_total", "page_total"))
    heads = heads.join(told, on="message", how="left", maintain_order="left")
    return heads.with_columns(total=pl.col("total").drop_nulls().first().over("statement"))


def _head_currency() -> pl.Expr:
    return amount("total")[1]


def _holdings(
    heads: pl.DataFrame, fields: pl.DataFrame, records: pl.DataFrame, amounts: pl.DataFrame, connection: Connection
) -> tuple[pl.DataFrame, list[Check]]:
    """Holdings of sound messages with typed columns, and their checks."""
    texts = gathered(fields, "holding", ["message", "fin_line"], NAMES).drop("line")
    safes = gathered(fields, "subsafe", ["safe_line"], ("account",)).drop("line")
    places = fields.group_by(line="fin_line").agg(pl.col("safe_line").first())
    rows = (
        records.join(texts.rename({"fin_line": "line"}), on=["message", "line"], how="left", maintain_order="left")
        .join(places, on="line", how="left", maintain_order="left")
        .join(with_account(safes, connection), on="safe_line", how="left", maintain_order="left")
        .join(
            heads.select(
                "message", "statement", "as_of_date", "update_type", "basis", head_account="account",
                head_currency=_head_currency(),
            ),
            on="message", maintain_order="left",
        )
        .with_columns(account=pl.coalesce("account", "head_account"))
    )  # fmt: skip
    number, kind = quantity("quantity")
    figure, price_type, price_currency = price("price")
    indicative, indicative_type, indicative_currency = price("indicative_price")
    rows = rows.with_columns(
        quantity=number, quantity_type=kind, price_date=day("price_date"),
        price=pl.coalesce(figure, indicative), price_type=pl.coalesce(price_type, indicative_type),
        price_currency=pl.coalesce(price_currency, pl.when(figure.is_null()).then(indicative_currency)),
    )  # fmt: skip
    values = [units_field("quantity", required=True), units_field("price"), day_field("price_date")]
    rows, more = described(typed_fields(rows, values))
    rows, id_checks = with_ids(rows)
    rows, money_checks = _with_amounts(_with_pending(rows, fields), amounts)
    is_strange = pl.col("price_type").eq_missing("ACTU") & pl.col("price_currency").is_null()
    kind_check = Check(
        "93B", "unknown_code", pl.col("quantity").is_not_null() & pl.col("quantity_type").is_null(),
        "the quantity (93B::AGGR) has none of the types UNIT, FAMT, AMOR.",
    )  # fmt: skip
    long_account = pl.col("account").str.len_bytes() > 64
    checks = [
        *id_checks, *(check for field in (*values, *more) for check in field.checks), kind_check, *money_checks,
        Check("90B", "unparsable_number", is_strange, "the price has no currency."),
        Check("97A", "contract_violation", long_account, "an account of over 64 characters."),
    ]  # fmt: skip
    known = ("value_currency", "price_currency", "denomination", "head_currency")
    return rows.with_columns(currency=pl.coalesce(*known, pl.lit(connection.base_currency))), checks


def _with_pending(rows: pl.DataFrame, fields: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``pending``: receipts less deliveries that a settled balance does not hold yet."""
    part = fields.filter((pl.col("record") == "pending") & pl.col("fin_line").is_not_null())
    part = part.select("fin_line", "field", number=pending("value"))
    field = units_field("number", required=True)
    part = typed_fields(part, [field]).with_columns(is_bad=pl.any_horizontal(c.failed for c in field.checks))
    sign = pl.when(pl.col("field") == "delivery").then(-typed("number")).otherwise(typed("number"))
    sums = part.group_by(line="fin_line").agg(
        pending=sign.cast(pl.Decimal(38, UNITS)).sum(), has_bad_pending=pl.col("is_bad").any()
    )
    is_settled = pl.col("basis").is_in(_SETTLED)
    rows = rows.join(sums, on="line", how="left", maintain_order="left")
    added = pl.when(is_settled).then(pl.col("pending")).fill_null(0)
    return rows.with_columns(
        held=(typed("quantity").cast(pl.Decimal(38, UNITS)) + added).cast(pl.Decimal(20, UNITS), strict=False)
    )


def _with_amounts(rows: pl.DataFrame, amounts: pl.DataFrame) -> tuple[pl.DataFrame, list[Check]]:
    """The rows with ``market_value``, ``value_currency`` and ``accrued``, and their checks.

    Of several values the one in the price's currency counts, else the first; accrued interest in the same currency.
    """
    own = amounts.join(rows.select("price_currency", fin_line="line"), on="fin_line", maintain_order="left")
    fits = pl.col("currency").eq_missing(pl.col("price_currency"))
    values = own.filter(pl.col("field") == "value").sort("fin_line", ~fits, maintain_order=True)
    chosen = values.group_by("fin_line", maintain_order=True).agg(
        market_value=pl.col("money").first(), value_currency=pl.col("currency").first()
    )
    accrued = own.filter(pl.col("field") == "accrued").join(chosen, on="fin_line", how="left")
    expected = pl.coalesce("value_currency", "price_currency", "currency")
    accrued = (
        accrued.filter(pl.col("currency") == expected)
        .group_by("fin_line")
        .agg(accrued=pl.col("money").first(), accrued_currency=pl.col("currency").first())
    )
    bad = own.group_by("fin_line").agg(has_bad_money=pl.col("money").is_null().any())
    for part in (chosen, accrued, bad):
        rows = rows.join(part, left_on="line", right_on="fin_line", how="left", maintain_order="left")
    rows = rows.with_columns(value_currency=pl.coalesce("value_currency", "accrued_currency"))
    bad_sum = pl.col("held").is_null() & typed("quantity").is_not_null()
    return rows, [
        Check("19A", "unparsable_number", pl.col("has_bad_money"), "an amount (19A) is not CCYn,n."),
        Check("93C", "unparsable_number", pl.col("has_bad_pending"), "a pending balance is not a number."),
        Check("93B", "number_out_of_range", bad_sum, "the balance with what is pending is more than fits."),
    ]


def _positions(good: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Positions, those of one security in several parts of an account added up; and what adds up to too much."""
    rows = good.with_columns(is_long=pl.col("held") >= 0)
    is_same = pl.col("price_currency").is_null() | (pl.col("price_currency") == pl.col("currency"))
    rows = rows.with_columns(shown_price=pl.when(is_same).then(typed("price")))
    one_currency = pl.col("currency").n_unique() == 1
    all_valued = pl.col("market_value").is_not_null().all() & one_currency
    interest = pl.col("accrued").cast(_WIDE).sum().cast(pl.Decimal(20, MONEY), strict=False)
    total = pl.col("market_value").cast(_WIDE).sum().cast(pl.Decimal(20, MONEY), strict=False)
    merged = rows.group_by("account", "as_of_date", *IDS, "is_long", maintain_order=True).agg(
        source_line=pl.col("line").min(),
        lines=pl.col("line"),
        quantity=pl.col("held").cast(pl.Decimal(38, UNITS)).sum().cast(pl.Decimal(20, UNITS), strict=False),
        price=pl.col("shown_price").first(),
        price_date=typed("price_date").first(),
        market_value=pl.when(all_valued).then(total),
        accrued_interest=pl.when(one_currency & pl.col("accrued").is_not_null().any()).then(interest),
        currency=pl.col("currency").first(),
        is_delta=(pl.col("update_type") == "DELT").fill_null(False).first(),
    )
    too_large = merged.filter(pl.col("quantity").is_null()).select(line="lines").explode("line")
    kept = merged.filter(pl.col("quantity").is_not_null()).with_columns(
        account_number="account",
        position_side=pl.when(pl.col("quantity") < 0).then(pl.lit("short")).otherwise(pl.lit("long")),
    )
    return conformed(TABLE, kept), too_large.join(good.select("line", "text"), on="line")


def _prices(good: pl.DataFrame) -> pl.DataFrame:
    rows = good.filter(typed("price").is_not_null()).select(
        *IDS, source_line="line", price=typed("price"), price_date=pl.coalesce(typed("price_date"), "as_of_date"),
        currency=pl.coalesce("price_currency", "denomination", "currency"),
    )  # fmt: skip
    return conformed(PRICE, rows.unique([*IDS, "price", "price_date", "currency"], keep="first", maintain_order=True))
