"""Field names and widths of the simulated Schwab Core files, each field followed by one pipe.

Written out for the simulator alone: the platform's reader has its own copy, so that an error in either shows. A field's
first column follows from the widths before it. Header, trailer and code values are not public and are invented.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

Layout = Sequence[tuple[str, int]]

TRN: Final = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("account_number", 10), ("title1", 45), ("title2", 45), ("title3", 45), ("registration", 5),
    ("account_type", 5), ("product_code", 4), ("product_category_code", 8), ("tax_code", 8),
    ("legacy_security_type", 2), ("ticker", 30), ("industry_ticker", 30), ("cusip", 9), ("schwab_security_number", 7),
    ("item_issue_id", 10), ("rule_set_suffix", 5), ("isin", 12), ("sedol", 7), ("options_display_symbol", 30),
    ("underlying_ticker", 30), ("underlying_industry_ticker", 30), ("underlying_cusip", 9),
    ("underlying_schwab_number", 7), ("underlying_item_issue_id", 10), ("underlying_rule_set_suffix", 5),
    ("underlying_isin", 12), ("underlying_sedol", 7), ("money_market_code", 5), ("transaction_type_code", 2),
    ("transaction_sub_type_code", 2), ("transaction_category", 24), ("source_code", 5),
    ("source_code_description", 18), ("detail_description", 80), ("action_code", 6), ("cancel_code", 1),
    ("trade_date", 8), ("settlement_date", 8), ("transaction_date", 8), ("ex_dividend_date", 8), ("quantity", 17),
    ("price", 17), ("gross_amount", 17), ("debit_credit_indicator", 6), ("net_amount", 17), ("commission", 17),
    ("exchange_processing_fee", 17), ("broker_service_fee", 17), ("prime_broker_fee", 17), ("trade_away_fee", 17),
    ("redemption_fee", 17), ("other_fee", 17), ("fed_tefra_withholding", 17), ("state_tax_withholding", 17),
    ("state_receiving_tax", 2), ("accrued_interest", 17), ("accounting_rule_code", 11), ("order_source", 4),
    ("order_number", 8), ("order_entry_timestamp", 14), ("order_execution_timestamp", 14), ("broker_code", 8),
    ("broker_name", 50), ("from_account", 10), ("to_account", 10), ("schwab1_check_number", 15),
    ("sweep_indicator", 1), ("stock_exchange_code", 5), ("inter_class_exchange_code", 1), ("distribution_rate", 17),
    ("cash_in_lieu_share_quantity", 17), ("dividend_interest_share_quantity", 17), ("cash_in_lieu_rate", 17),
    ("asset_backed_factor", 17), ("source_system", 2), ("journal_type", 2), ("deposit_media", 1),
    ("cashiering_uid", 23), ("recipient_name1", 60), ("recipient_name2", 60), ("recipient_name3", 60),
    ("frequency", 12), ("disbursed_check_number", 15), ("fed_reference", 35), ("recipient_account", 34),
    ("bank_account_type", 8), ("bank_name1", 60), ("bank_name2", 60), ("bank_aba", 9), ("intermediary_name", 60),
    ("check_memo1", 50), ("check_memo2", 50), ("retirement_federal_tax", 17), ("retirement_state_tax", 17),
    ("retirement_tax_state", 2), ("publication_timestamp", 26), ("version_marker_1", 8), ("tips_factor", 20),
    ("closing_price", 18), ("version_marker_2", 8), ("transaction_memo", 240), ("version_marker_3", 8),
    ("closing_price_unfactored", 18), ("factor", 17), ("factor_date", 8),
)  # fmt: skip
"""A transaction: record D1 of the TRN file, 110 fields."""

SEC: Final = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("product_code", 4), ("product_category_code", 8), ("tax_code", 8),
    ("legacy_security_type", 2), ("ticker", 30), ("industry_ticker", 30), ("cusip", 9), ("schwab_security_number", 7),
    ("reorg_schwab_number", 7), ("item_issue_id", 10), ("rule_set_suffix", 5), ("isin", 12), ("sedol", 7),
    ("options_display_symbol", 30), ("description1", 24), ("description2", 24), ("description3", 24),
    ("description4", 8), ("underlying_ticker", 30), ("underlying_industry_ticker", 30), ("underlying_cusip", 9),
    ("underlying_schwab_number", 7), ("underlying_item_issue_id", 10), ("underlying_rule_set_suffix", 5),
    ("underlying_isin", 12), ("underlying_sedol", 7), ("money_market_code", 5), ("last_update_date", 8),
    ("sweep_fund_indicator", 1), ("closing_price", 18), ("price_date", 8), ("security_valuation_unit", 17),
    ("option_root", 15), ("option_expiration", 8), ("call_put", 1), ("strike_price", 18), ("interest_rate", 9),
    ("maturity_date", 8), ("tips_factor", 20), ("asset_backed_factor", 17), ("face_value", 15), ("issuer_state", 2),
    ("version_marker_1", 8), ("proprietary_indicator", 1), ("one_source_indicator", 1), ("version_marker_2", 8),
    ("closing_price_unfactored", 18), ("factor", 17), ("factor_date", 8),
)  # fmt: skip
"""A security with its price: record D1 of the SEC file, 54 fields."""

ACC: Final = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("account_number", 10), ("title1", 45), ("title2", 45), ("title3", 45), ("status", 8),
    ("registration", 5), ("account_type", 5), ("taxpayer_title", 5), ("taxpayer_first", 30), ("taxpayer_middle", 30),
    ("taxpayer_last", 30), ("taxpayer_suffix", 5), ("tax_withholding_code", 2), ("primary_contact", 104),
    ("account_alias", 62), ("mail_address1", 45), ("mail_address2", 45), ("mail_address3", 45), ("city", 30),
    ("state", 2), ("zip", 10), ("country", 22), ("email", 128), ("phone", 12), ("business_phone", 12),
    ("date_opened", 8), ("branch", 8), ("sweep_status", 1), ("cash_instruction_cash", 2),
    ("cash_instruction_margin", 2), ("margin_indicator", 1), ("restrictions_indicator", 1),
    ("additional_mailings", 1), ("additional_mailing_count", 2), ("option_level", 1), ("beneficiary_indicator", 1),
    ("beneficiary_count", 2), ("checks_indicator", 1), ("debit_card_indicator", 1), ("billpay_indicator", 1),
    ("undeliverable_indicator", 1), ("fa_fee_status", 1), ("ibf_code", 5), ("ibf_mm_code", 5), ("ibf_ticker", 30),
    ("ibf_item_issue_id", 10), ("ibf_rule_suffix", 5), ("proxy_authorization", 1), ("proxy_mailing", 1),
    ("statement_preference", 8), ("taxable_indicator", 1), ("lot_selection_method", 5), ("cost_method", 1),
    ("cost_basis_mf", 5), ("cost_basis_non_mf", 5), ("cost_basis_date", 8), ("version_marker_1", 8),
    ("customer_type", 8), ("organization_name", 60), ("version_marker_2", 8), ("restriction_reason1", 4),
    ("restriction_reason2", 4), ("restriction_reason3", 4), ("restriction_reason4", 4), ("restriction_reason5", 4),
    ("version_marker_3", 8), ("bank_checking_account", 12), ("version_marker_4", 8), ("ssn_tin", 11),
    ("version_marker_5", 8), ("prime_broker", 1), ("managed_platform", 8), ("money_manager", 100), ("strategy", 50),
    ("version_marker_6", 8), ("bank_sweep_name", 50),
)  # fmt: skip
"""An account: record D1 of the ACC file, 81 fields."""

RPS_BALANCE: Final = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("account_number", 10), ("title1", 45), ("title2", 45), ("title3", 45), ("registration", 5),
    ("account_type", 5), ("net_credit_debit", 17), ("margin_balance", 17), ("total_available_to_pay", 17),
    ("margin_buying_power", 17), ("money_market_funds", 17), ("mtd_margin_interest", 17),
    ("daily_margin_interest", 17), ("equity_excluding_options", 17), ("equity_percent", 17),
    ("market_value_long", 17), ("market_value_short", 17), ("equity_including_options", 17),
    ("option_requirements", 17), ("month_end_dividend_payout", 17), ("maintenance_call", 17),
    ("market_value_long_cash_account_ex_options", 17), ("net_market_value_positions_only", 17),
    ("net_market_value_positions_plus_cash_mm", 17), ("cash_balance_settled", 17),
    ("cash_margin_balance_settled", 17), ("version_marker_3", 8), ("bank_sweep_interest_bearing_feature", 17),
)  # fmt: skip
"""Balances of an account: record D2 of the RPS file, 33 fields."""

RPS_POSITION: Final = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("account_number", 10), ("product_code", 4), ("product_category_code", 8), ("tax_code", 8),
    ("legacy_security_type", 2), ("ticker", 30), ("industry_ticker", 30), ("cusip", 9), ("schwab_security_number", 7),
    ("item_issue_id", 10), ("rule_set_suffix", 5), ("isin", 12), ("sedol", 7), ("options_display_symbol", 30),
    ("description1", 24), ("description2", 24), ("description3", 24), ("description4", 8), ("underlying_ticker", 30),
    ("underlying_industry_ticker", 30), ("underlying_cusip", 9), ("underlying_schwab_number", 7),
    ("underlying_item_issue_id", 10), ("underlying_rule_set_suffix", 5), ("underlying_isin", 12),
    ("underlying_sedol", 7), ("money_market_code", 5), ("dividend_reinvest", 17), ("capital_gains_reinvest", 17),
    ("closing_price", 18), ("price_update_date", 17), ("quantity_settled_and_unsettled", 17),
    ("long_short_indicator", 17), ("market_value_settled_and_unsettled", 17), ("accounting_rule_code", 11),
    ("quantity_settled", 17), ("quantity_unsettled_long", 17), ("quantity_unsettled_short", 17),
    ("version_marker_1", 8), ("tips_factor", 20), ("asset_backed_factor", 17), ("version_marker_2", 8),
    ("closing_price_unfactored", 18), ("factor", 17), ("factor_date", 8),
)  # fmt: skip
"""A holding: record D1 of the RPS file, 50 fields read by pipe; widths as in TRN or SEC, else 17."""


def record(layout: Layout, values: dict[str, str]) -> str:
    """One record as text: text left-justified, values cut at their field's width, every field followed by a pipe.

    Raises:
        KeyError: when a value names no field of the layout.
    """
    unknown = values.keys() - {name for name, _ in layout}
    if unknown:
        raise KeyError(f"no such field: {sorted(unknown)}")
    return "|".join(values.get(name, "").ljust(width)[:width] for name, width in layout) + "|"


def span(layout: Layout, name: str) -> slice:
    """Where a field stands in a record, as a zero-based slice."""
    start = 0
    for field, width in layout:
        if field == name:
            return slice(start, start + width)
        start += width + 1
    raise KeyError(f"no such field: {name}")
