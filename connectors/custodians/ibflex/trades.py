"""Trades: executions as transactions. Closed lots are gains (``lots``); other levels repeat both and are counted."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import polars as pl

from connectors.custodians.ibflex.fields import (
    EXACT,
    IDENTIFIERS,
    MONEY,
    UNITS,
    conid_fits,
    day,
    fitting,
    has_code,
    identifiers,
    mapped,
    number,
    or_zero,
    unidentified,
    unknown,
)
from connectors.custodians.ibflex.records import Sections, base_checks, feed_frame, held_apart
from connectors.custodians.ibflex.tables import ASSETS, TRADE_NOTES, TRADE_TYPES, meaning
from connectors.formats.rejects import Check, no_rejects, rejected, separated
from connectors.formats.taken import Taken, no_rows
from connectors.formats.values import typed, with_values

TRANSACTION: Final = "canonical.transaction"
LEVELS: Final = ("EXECUTION", "CLOSED_LOT", "ORDER", "SYMBOL_SUMMARY", "ASSET_SUMMARY", "WASH_SALE")
_PAIR: Final = r"^([A-Z]{3})\.([A-Z]{3})$"
_CENT: Final = Decimal("0.01")
_MAX_ID_BYTES: Final = 240
ZERO: Final = pl.lit(0).cast(MONEY)
NO_TEXT: Final = pl.lit(None, dtype=pl.String)


def level() -> pl.Expr:
    """A trade's level of detail; an element of that name without one is an execution."""
    return pl.col("levelOfDetail").str.to_uppercase().fill_null("EXECUTION")


def executions_without_level(sections: Sections) -> list[pl.DataFrame]:
    """Rejects for orders in a statement that lists no executions: its trades would be lost."""
    orders = [sections.frames["Order"], sections.frames["Trade"].filter(level() == "ORDER")]
    detail = "the statement has orders but no executions. Tick executions in the Trades section of the Flex query."
    check = Check("levelOfDetail", "missing_value", pl.lit(True), detail)
    return [rejected(part.filter(~sections.states_executions()), check, TRANSACTION) for part in orders]


def trades(sections: Sections) -> Taken:
    """Transactions of the executions; rejects for records of a level that is not known."""
    records = sections.frames["Trade"]
    detail = pl.format("level {} is not known: the record is neither booked nor dropped.", level().str.slice(0, 24))
    known, strange = separated(
        records, [Check("levelOfDetail", "unknown_code", ~level().is_in(LEVELS), detail)], TRANSACTION
    )
    booked = known.filter(level() == "EXECUTION")
    is_pair = (pl.col("assetCategory") == "CASH").fill_null(False)
    dealt, one = _executions(sections, booked.filter(~is_pair))
    exchanged, two = _exchanges(sections, booked.filter(is_pair))
    return Taken({TRANSACTION: pl.concat([dealt, exchanged])}, [strange, one, two, *executions_without_level(sections)])


# --- what executions of all kinds have in common ----------------------------------------------------------------------

_FIELDS: Final = (
    day("tradeDate"), day("dateTime"), day("reportDate"), day("settleDateTarget"), number("quantity", UNITS),
    number("tradePrice", UNITS), number("proceeds"), number("netCash"), number("taxes"), number("ibCommission"),
    number("accruedInt"),
)  # fmt: skip


def _told(sections: Sections, records: pl.DataFrame) -> pl.DataFrame:
    """Typed values, whether the record is a cancel, and amounts and quantity turned back to the original's signs."""
    actions = meaning(TRADE_TYPES, "action", sections.connection)
    action = mapped(pl.col("transactionType"), actions)
    is_cancel = (
        (action == "cancel").fill_null(False)
        | has_code("notes", "Ca")
        | pl.col("buySell").str.ends_with("(Ca.)").fill_null(False)
    )
    own_currency = pl.coalesce("ibCommissionCurrency", "currency") == pl.col("currency")
    exact = {
        "proceeds": typed("proceeds"), "netCash": typed("netCash"), "taxes": or_zero("taxes"),
        "accruedInt": or_zero("accruedInt"), "commission": or_zero("ibCommission"),
    }  # fmt: skip
    return (
        with_values(records, _FIELDS)
        .with_columns(action.alias("action"), is_cancel.alias("is_cancel"))
        .with_columns(
            *(_turned(value).alias(f"{name}:signed") for name, value in exact.items()),
            _turned(typed("quantity")).alias("units"),
            own_currency.alias("own_currency"),
            pl.col("buySell").str.replace(" (Ca.)", "", literal=True).alias("side"),
            pl.coalesce(typed("tradeDate"), typed("dateTime"), typed("reportDate")).alias("trade_date"),
            pl.coalesce("transactionID", "tradeID").alias("own_id"),
        )
    )


def _turned(value: pl.Expr) -> pl.Expr:
    return pl.when("is_cancel").then(-value).otherwise(value)


def _common_checks(sections: Sections) -> list[Check]:
    dated = pl.col("tradeDate").is_null() & pl.col("dateTime").is_null() & pl.col("reportDate").is_null()
    is_purchase, side = pl.col("units") > 0, pl.col("side")
    contradicts = ((side == "BUY") & ~is_purchase | (side == "SELL") & is_purchase) & (pl.col("units") != 0)
    return [
        *base_checks("Trade", "Trades", sections.connection),
        *(check for field in _FIELDS for check in field.checks),
        unknown("transactionType", pl.col("transactionType"), pl.col("action"), "trade_types"),
        Check(
            "buySell", "unknown_code", ~pl.col("side").is_in(["BUY", "SELL"]), "buySell is neither BUY nor SELL."
        ),
        Check("tradeDate", "missing_value", dated, "the record has no day. Tick Trade Date in the Flex query."),
        Check(
            "quantity", "contract_violation", contradicts.fill_null(False),
            "the sign of quantity and buySell say different things, also when read as a cancel.",
        ),
        Check("transactionID", "contract_violation", pl.col("own_id").str.len_bytes() > _MAX_ID_BYTES, "too long."),
    ]  # fmt: skip


def _reverses(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with ``reverses``: the id under which the file names the cancelled row, null where it names none."""

    def named(column: str) -> pl.Expr:
        return pl.when(~pl.col(column).is_in(["0", "-"])).then(pl.col(column))

    by_trade = (
        rows.filter(~pl.col("is_cancel") & pl.col("tradeID").is_not_null())
        .select("account", pl.col("tradeID").alias("origTradeID"), pl.col("own_id").alias("by_trade"))
        .unique(["account", "origTradeID"], keep="first")
    )
    joined = rows.join(by_trade, on=["account", "origTradeID"], how="left", maintain_order="left")
    original = pl.coalesce(
        named("origTransactionID"),
        "by_trade",
        pl.when(pl.col("transactionID").is_null()).then(named("origTradeID")),
    )
    return joined.with_columns(pl.when("is_cancel").then(original).alias("reverses"))


def _row(kind: pl.Expr, **columns: pl.Expr) -> list[pl.Expr]:
    """Columns of ``contracts.feed.FeedTransaction``: those given, the rest from ``_told``."""
    code = pl.concat_str(
        "transactionType", "buySell", "openCloseIndicator", "notes", separator="/", ignore_nulls=True
    ).str.slice(0, 60)  # fmt: skip
    columns = {
        "settle_date": typed("settleDateTarget"), "price": pl.lit(None, dtype=UNITS), "commission": ZERO,
        "fees": ZERO, "accrued_interest": ZERO, "tax_withheld": ZERO, "provider_transaction_id": pl.col("own_id"),
        "reverses": pl.col("reverses"), "quantity": pl.lit(0).cast(UNITS), "currency": pl.col("currency"),
        "provider_code": pl.when(code.str.len_bytes() <= 64).then(code).otherwise(pl.lit("Trade")),
    } | columns  # fmt: skip
    kept = ["line", "text", *(name for name in IDENTIFIERS if name not in columns)]
    return [
        *(pl.col(name) for name in kept),
        pl.col("account").alias("account_number"),
        kind.alias("transaction_type"),
        pl.col("trade_date"),
        pl.col("is_cancel"),
        *(expression.alias(name) for name, expression in columns.items()),
    ]


# --- securities -------------------------------------------------------------------------------------------------------


def _executions(sections: Sections, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    if records.is_empty():
        return no_rows(TRANSACTION), no_rejects()
    told = _told(sections, records)
    commission = pl.when("own_currency").then("commission:signed").otherwise(pl.lit(0).cast(EXACT))
    net = pl.when("own_currency").then(pl.col("netCash:signed"))
    costs = (commission + pl.col("taxes:signed")).cast(EXACT)
    stated = (pl.col("proceeds:signed") + costs).cast(EXACT)
    with_accrued = (stated + pl.col("accruedInt:signed")).cast(EXACT)
    off, off_with = (net - stated).abs(), (net - with_accrued).abs()
    has_accrued = (pl.col("accruedInt:signed") != 0) & (off_with <= _CENT) & (off_with < off)
    amounts = {
        "amount": pl.coalesce(net, stated),
        "commission": -commission,
        "fees": -pl.col("taxes:signed"),
        "accrued_interest": pl.when(has_accrued.fill_null(False))
        .then(pl.col("accruedInt:signed").abs())
        .otherwise(pl.lit(0).cast(EXACT)),
        "other_commission": pl.when(~pl.col("own_currency")).then("commission:signed"),
    }
    instruments = meaning(ASSETS, "security_type", sections.connection)
    instrument = mapped(pl.format("{}/", "assetCategory"), instruments)
    told = told.with_columns(
        *(expression.cast(EXACT).alias(f"{name}:exact") for name, expression in amounts.items()),
        instrument.alias("instrument"),
    )
    computed = [fitting(name, pl.col(f"{name}:exact"), MONEY) for name in amounts]
    good, rejects = held_apart(
        told,
        computed,
        [
            *_common_checks(sections),
            unidentified(),
            conid_fits(),
            unknown("assetCategory", pl.col("assetCategory"), pl.col("instrument"), "assets"),
            Check(
                "proceeds", "missing_value", pl.col("netCash").is_null() & pl.col("proceeds").is_null(),
                "neither netCash nor proceeds is given.",
            ),
        ],
        TRANSACTION,
    )  # fmt: skip
    if good.is_empty():
        return no_rows(TRANSACTION), rejects
    rows = _reverses(good.with_columns(identifiers()))
    bought = rows.select(
        _row(
            _kind(sections),
            quantity=pl.col("units"),
            price=pl.when(typed("tradePrice") != 0).then(typed("tradePrice")),
            **{name: typed(name) for name in ("amount", "commission", "fees", "accrued_interest")},
        )
    )
    elsewhere = rows.filter(typed("other_commission") != 0)
    return pl.concat([_settled(bought), _commissions(elsewhere)]), rejects


def _kind(sections: Sections) -> pl.Expr:
    """The ledger's type: what became of an option, else purchase or sale, opened or closed.

    A fill that closes and opens at once (``C;O``) is one row: the ledger's quantity says the rest.
    """
    notes = meaning(TRADE_NOTES, "transaction_type", sections.connection)
    is_option = pl.col("instrument") == "option"
    is_purchase = pl.col("units") > 0
    found = pl.lit(None, dtype=pl.String)
    for key, kind in reversed(list(notes.items())):
        of, _, code = key.partition("/")
        fits = is_option if of == "option" else ~is_option & is_purchase
        found = pl.when(fits & has_code("notes", code)).then(pl.lit(kind)).otherwise(found)
    opened = pl.col("openCloseIndicator")
    purchase = pl.when(opened == "C").then(pl.lit("BUY_TO_COVER")).otherwise(pl.lit("BUY"))
    sale = pl.when(opened == "O").then(pl.lit("SELL_SHORT")).otherwise(pl.lit("SELL"))
    return pl.coalesce(found, pl.when(is_purchase).then(purchase).otherwise(sale))


def _commissions(rows: pl.DataFrame) -> pl.DataFrame:
    """Commissions in another currency than the trade's: a row of their own with the suffix ``#commission``."""
    return _settled(
        rows.select(
            _row(
                pl.lit("OTHER_FEE"),
                amount=typed("other_commission"),
                currency=pl.col("ibCommissionCurrency"),
                provider_transaction_id=pl.col("own_id") + "#commission",
                reverses=pl.col("reverses") + "#commission",
            )
        )
    )


# --- pairs of currencies ----------------------------------------------------------------------------------------------


def _exchanges(sections: Sections, records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two rows of each exchange: the quoted currency under the trade's id, the other one with the suffix ``#base``."""
    if records.is_empty():
        return no_rows(TRANSACTION), no_rejects()
    told = _told(sections, records)
    commission = pl.when("own_currency").then("commission:signed").otherwise(pl.lit(0).cast(EXACT))
    paid = (pl.col("proceeds:signed") + commission + pl.col("taxes:signed")).cast(EXACT)
    told = told.with_columns(
        pl.col("symbol").str.extract(_PAIR, 1).alias("base"),
        pl.col("symbol").str.extract(_PAIR, 2).alias("quote"),
        paid.alias("paid:exact"),
        (-commission).cast(EXACT).alias("commission:exact"),
        (-pl.col("taxes:signed")).cast(EXACT).alias("fees:exact"),
        pl.col("units").cast(EXACT).alias("received:exact"),
        pl.when(~pl.col("own_currency")).then("commission:signed").cast(EXACT).alias("other_commission:exact"),
    )
    computed = [
        fitting(name, pl.col(f"{name}:exact"), MONEY)
        for name in ("paid", "commission", "fees", "received", "other_commission")
    ]
    units, proceeds = pl.col("units"), pl.col("proceeds:signed")
    both_ways = ((units > 0) & (proceeds > 0)) | ((units < 0) & (proceeds < 0))
    good, rejects = held_apart(
        told,
        computed,
        [
            *_common_checks(sections),
            Check("symbol", "contract_violation", pl.col("quote").is_null(), "symbol is not a pair such as EUR.USD."),
            Check(
                "currency", "contract_violation", pl.col("quote") != pl.col("currency"),
                "the currency is not the second one of the pair.",
            ),
            Check("proceeds", "missing_value", pl.col("proceeds").is_null(), "proceeds is blank."),
            Check("proceeds", "contract_violation", both_ways, "both currencies go the same way."),
        ],
        TRANSACTION,
    )  # fmt: skip
    if good.is_empty():
        return no_rows(TRANSACTION), rejects
    nothing = dict.fromkeys(IDENTIFIERS, NO_TEXT)
    rows = _reverses(good)
    quote = _row(pl.lit("FX"), amount=typed("paid"), commission=typed("commission"), fees=typed("fees"), **nothing)
    base = _row(
        pl.lit("FX"),
        amount=typed("received"),
        currency=pl.col("base"),
        provider_transaction_id=pl.col("own_id") + "#base",
        reverses=pl.col("reverses") + "#base",
        **nothing,
    )
    elsewhere = rows.filter(typed("other_commission") != 0).with_columns(NO_TEXT.alias(name) for name in IDENTIFIERS)
    return pl.concat([_settled(rows.select(quote)), _settled(rows.select(base)), _commissions(elsewhere)]), rejects


def _settled(rows: pl.DataFrame) -> pl.DataFrame:
    return feed_frame(TRANSACTION, rows)
