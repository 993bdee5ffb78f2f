"""Positions at market value, in their own and in the account's currency (docs/methodology.md section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from analytics.money import scaled_product
from analytics.prices import STALE_AFTER_DAYS, price_as_of, rate_as_of
from analytics.versions import contract_rows, last_versions
from contracts.tables.accounting import POSITION
from contracts.vocabularies import METHODOLOGY_VERSION

NO_CURRENCY: Final = "XXX"
"""ISO 4217's code for "no currency": the base of an account that no custodian has described, so nothing converts."""
MONEY_SCALE: Final = 4

_PRICE = pl.Decimal(20, 8)
_INSTANT = pl.Datetime("us", "UTC")


def valued_positions(
    positions: pl.DataFrame,
    *,
    prices: pl.DataFrame,
    fx_rates: pl.DataFrame,
    securities: pl.DataFrame,
    accounts: pl.DataFrame,
    currency_keys: pl.DataFrame,
    business_dates: pl.Series,
    source_rank: Sequence[str],
) -> pl.DataFrame:
    """Each position with its price, its market value and, where there is no value, the reason.

    Local value = quantity × price × factor × multiplier, in the currency in which the price is quoted; base value = the
    same × the published rate of the base currency ÷ that of the price's currency, in one product; each is rounded
    half-even to four places once, so the base value never goes through the rounded local one. Cash is priced 1 on the
    day. A position without a price, or of a security that nobody describes, is null with ``missing_price``; without a
    rate its base value is null with ``missing_fx``; a value that does not fit is null with ``overflow``; never zero.

    ``is_price_stale``: price or rate older than five business days, for a figure rests on both.

    known_from is the latest among the position, the price, the rates, the security's terms and the account's currency,
    each counted from the first delivery that said what counts.

    Args:
        positions: from ``positions.daily_positions``.
        prices, fx_rates: rows of canonical.price and canonical.fx_rate whose files stand, of the tenant and shared.
        securities, accounts: rows of canonical.security and canonical.account; the last known description counts.
        currency_keys: ``currency, security_key``.
        business_dates: sorted business days, reaching back further than the oldest price that should not be stale.
        source_rank: price and rate sources, best first; a custodian's own price comes before them for its accounts.

    Returns:
        Frame of accounting.position.
    """
    held = (
        positions.join(account_terms(accounts), on="account_key", how="left")
        .join(_security_terms(securities), on="security_key", how="left")
        .join(currency_keys.select("security_key", cash_currency="currency"), on="security_key", how="left")
        .with_columns(pl.col("base_currency").fill_null(NO_CURRENCY))
    )
    held = _with_prices(held, prices, business_dates=business_dates, source_rank=source_rank)
    held = _with_rates(held, fx_rates, business_dates=business_dates, source_rank=source_rank)
    return contract_rows(_with_values(held), POSITION)


def account_terms(accounts: pl.DataFrame) -> pl.DataFrame:
    """``account_key, base_currency, custodian, account_known_at``: the last known description of each account."""
    terms = last_versions(accounts, ["account_key"], ["base_currency", "custodian"])
    return terms.select("account_key", "base_currency", "custodian", account_known_at="known_at")


def _security_terms(securities: pl.DataFrame) -> pl.DataFrame:
    values = ["currency", "price_factor", "multiplier"]
    terms = last_versions(securities, ["security_key"], values)
    return terms.select(
        "security_key", "price_factor", "multiplier", security_currency="currency", security_known_at="known_at"
    )


def _with_prices(
    held: pl.DataFrame, prices: pl.DataFrame, *, business_dates: pl.Series, source_rank: Sequence[str]
) -> pl.DataFrame:
    key = ["custodian", "security_key", "as_of_date"]
    is_cash = pl.col("cash_currency").is_not_null()
    wanted = held.filter(~is_cash).select(key).unique()
    found = price_as_of(wanted, prices, business_dates=business_dates, source_rank=source_rank)
    one = pl.lit(1).cast(_PRICE)
    is_described = is_cash | pl.col("price_factor").is_not_null()
    currency = pl.coalesce("cash_currency", "price_currency", "security_currency", pl.lit(NO_CURRENCY))
    return held.join(found, on=key, how="left", nulls_equal=True).with_columns(
        currency=currency,
        price=pl.when(is_cash).then(one).when(is_described).then("price"),
        price_factor=pl.when(is_cash).then(one).otherwise("price_factor"),
        multiplier=pl.when(is_cash).then(one).otherwise("multiplier"),
        price_date=pl.when(is_cash).then("as_of_date").when(is_described).then("price_date"),
        price_source=pl.when(is_described).then("price_source"),
        price_age_days=pl.when(is_cash).then(pl.lit(0)).when(is_described).then("price_age_days"),
    )


def _with_rates(
    held: pl.DataFrame, fx_rates: pl.DataFrame, *, business_dates: pl.Series, source_rank: Sequence[str]
) -> pl.DataFrame:
    pair = ["currency", "base_currency", "as_of_date"]
    names = {"currency": "from_currency", "base_currency": "to_currency"}
    wanted = held.select(pair).unique().rename(names)
    found = rate_as_of(wanted, fx_rates, business_dates=business_dates, source_rank=source_rank)
    return held.join(found.rename({v: k for k, v in names.items()}), on=pair, how="left")


def _with_values(held: pl.DataFrame) -> pl.DataFrame:
    local = [held.get_column(c).cast(_PRICE) for c in ("quantity", "price", "price_factor", "multiplier")]
    rates = [held.get_column(c) for c in ("rate_above", "rate_below")]
    local_value, local_overflow = scaled_product(local, [], scale=MONEY_SCALE)
    base_value, base_overflow = scaled_product([*local, rates[0]], [rates[1]], scale=MONEY_SCALE)
    has_price = pl.col("price").is_not_null()
    reason = (
        pl.when(~has_price)
        .then(pl.lit("missing_price"))
        .when(pl.col("rate_date").is_null())
        .then(pl.lit("missing_fx"))
        .when(local_overflow | base_overflow)
        .then(pl.lit("overflow"))
    )
    oldest = pl.max_horizontal("price_age_days", pl.when(has_price).then("rate_age_days"))
    inputs = ["known_from", "account_known_at", "security_known_at"]
    used = [pl.when(has_price).then("price_known_at"), pl.when(has_price).then("rate_known_at")]
    return held.with_columns(
        market_value_local=local_value,
        market_value_base=base_value,
        value_reason=reason,
        is_price_stale=(oldest > STALE_AFTER_DAYS).fill_null(value=False),
        known_from=pl.max_horizontal(*inputs, *used).cast(_INSTANT),
        methodology_version=pl.lit(METHODOLOGY_VERSION),
    )
