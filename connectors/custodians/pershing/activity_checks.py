"""What can be wrong with an activity record once its fields are typed: codes, signs, currencies that do not fit."""

from __future__ import annotations

from typing import Final

import polars as pl

from connectors.formats.rejects import Check

_BOUGHT: Final = ("BUY", "BUY_TO_COVER")
_SOLD: Final = ("SELL", "SELL_SHORT")
_RATE: Final = "settlement_usd_currency_fx_rate"
_FLAG: Final = "settlement_usd_multiply_divide_code"
_IN_DOLLARS: Final = "net_amount_of_transaction_in_usd_or_usde"
_IN_SETTLEMENT: Final = "net_amount_in_settlement_currency"
_WIDEST_GAP: Final = 0.05
"""Share by which a converted amount may miss the stated one. Rates are of different hours; a direction that was taken
the wrong way round is further off for all but currencies near par."""


def activity_checks() -> list[Check]:
    """The checks, in the order in which they are stated."""
    return [*_codes(), *_versions(), *_presence(), *_currencies(), *_directions()]


def _codes() -> list[Check]:
    code = pl.col("code")
    is_blank = code.str.strip_chars("/") == ""
    named = "transaction code {} (par key/source/maxx key) is not known. If it is right, add it to transactions.csv."
    return [
        Check("par_key_code", "missing_value", is_blank, "the record has no transaction code. Ask for it again."),
        Check(
            "par_key_code", "unknown_code", ~is_blank & pl.col("transaction_type_meant").is_null(),
            pl.format(named, code),
        ),
    ]  # fmt: skip


def _versions() -> list[Check]:
    version, cancel, correction = (pl.col(n) for n in ("transaction_type", "cancel_code", "correction_code"))
    return [
        Check(
            "transaction_type", "unknown_code", version.is_not_null() & ~version.is_in(["T", "S"]),
            pl.format("the transaction type {} is none of T, S and blank. Ask what it is.", version),
        ),
        Check(
            "cancel_code", "unknown_code", cancel.is_not_null() & (cancel != "1"),
            pl.format("the cancel code {} is not known; 1 and blank are.", cancel),
        ),
        Check(
            "correction_code", "unknown_code", correction.is_not_null() & ~correction.is_in(["1", "5"]),
            pl.format("the correction code {} is not known; 1, 5 and blank are.", correction),
        ),
        Check(
            "correction_code", "contract_violation", (correction == "5") & (cancel.is_null() | (cancel != "1")),
            "a correction after settlement (5) that is no cancel. Ask which of the codes is right.",
        ),
    ]  # fmt: skip


def _presence() -> list[Check]:
    needs_quantity = pl.col("quantity_sign").is_in(["plus", "minus"])
    stated = pl.col("amount_sign") == "stated"
    in_dollars = pl.col("in_dollars")
    return [
        Check("trade_date", "missing_value", _no_day(), "the record has no date. Ask for it again."),
        Check("quantity", "missing_value", needs_quantity & _blank("quantity"), "the type needs a quantity."),
        Check(_IN_DOLLARS, "missing_value", stated & in_dollars & _blank(_IN_DOLLARS), "the type needs an amount."),
        Check(
            _IN_SETTLEMENT, "missing_value", stated & ~in_dollars & pl.col(_IN_SETTLEMENT).is_null()
            & ~_fault(_IN_SETTLEMENT), "the record is not settled in dollars, and its amount in record B is missing.",
        ),
    ]  # fmt: skip


def _currencies() -> list[Check]:
    rate, flag = pl.col(_RATE), pl.col(_FLAG)
    has_rate = (rate > 0) & ~pl.col("in_dollars")
    dollars, settled = (pl.col(name).cast(pl.Float64).abs() for name in (_IN_DOLLARS, _IN_SETTLEMENT))
    # Floats suffice for a control of some percent; no amount is computed here.
    factor = rate.cast(pl.Float64)
    converted = pl.when(flag == "M").then(settled * factor).when(flag == "D").then(settled / factor)
    is_off = (dollars > 1) & (settled > 1) & ((converted - dollars).abs() > _WIDEST_GAP * dollars)
    foreign_tefra = ~pl.col("in_dollars") & (pl.col("tefra") != 0)
    return [
        Check(
            "settlement_currency_code", "contract_violation", ~pl.col("currency").str.contains("^[A-Z]{3}$"),
            "the currency is not three capital letters. Compare the record with the layout.",
        ),
        Check(
            _FLAG, "unknown_code", has_rate & (flag.is_null() | ~flag.is_in(["M", "D"])),
            pl.format("the FX rate's direction {} is neither M nor D.", flag.fill_null("blank")),
        ),
        Check(
            _RATE, "contract_violation", has_rate & is_off,
            "the amount in dollars is not the settled amount at the FX rate, multiplied or divided as its flag says.",
        ),
        Check(
            "tefra_withholding_amount_in_usd", "contract_violation", foreign_tefra,
            "tax withheld in dollars from a transaction that is settled in another currency. Book it by hand.",
        ),
        Check("other_fee", "number_out_of_range", pl.col("all_fees").is_null(), "the fees together do not fit."),
        Check("tax", "number_out_of_range", pl.col("taxes").is_null(), "the taxes together do not fit."),
    ]  # fmt: skip


def _directions() -> list[Check]:
    meant, said = pl.col("transaction_type_meant"), pl.col("buy_sell_code")
    against = (meant.is_in(_BOUGHT) & (said == "S")) | (meant.is_in(_SOLD) & (said == "B"))
    is_paid = (meant.is_in(_BOUGHT) & (pl.col("net") > 0)) | (meant.is_in(_SOLD) & (pl.col("net") < 0))
    return [
        Check("buy_sell_code", "contract_violation", against, "the code says one direction, buy or sell the other."),
        Check(
            "net", "contract_violation", is_paid,
            "a purchase that brings money or a sale that costs it. Ask which sign is right.",
        ),
    ]  # fmt: skip


def _no_day() -> pl.Expr:
    days = ("trade_date", "settlement_entry_date", "process_date")
    return pl.all_horizontal(pl.col(day).is_null() & ~_fault(day) for day in days)


def _blank(name: str) -> pl.Expr:
    return pl.col(name).is_null() & ~_fault(name)


def _fault(name: str) -> pl.Expr:
    """Whether the field says something that is no value; then that is its fault, and not that it is missing."""
    return pl.col(name).is_null() & (pl.col(f"{name}:fault").fill_null(1) > 1)
