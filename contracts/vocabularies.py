"""Closed vocabularies: every code that a canonical or computed column may hold.

A provider's own codes never appear here; its connector maps them. A code that is not listed is refused by the contract.
"""

from __future__ import annotations

from typing import Final

METHODOLOGY_VERSION: Final = "1.0"
"""Version of docs/methodology.md; a change of results bumps it (see the CHANGELOG)."""

TRANSACTION_TYPES: Final = (
    "BUY", "BUY_TO_COVER", "SELL", "SELL_SHORT",
    "DIVIDEND", "INTEREST", "CAPITAL_GAIN_SHORT", "CAPITAL_GAIN_LONG", "REINVESTMENT", "RETURN_OF_CAPITAL",
    "DEPOSIT", "WITHDRAWAL", "TRANSFER_IN", "TRANSFER_OUT", "JOURNAL",
    "ADVISORY_FEE", "OTHER_FEE", "TAX_WITHHELD", "MARGIN_INTEREST",
    "SPLIT", "STOCK_DIVIDEND", "SPINOFF", "MERGER", "SYMBOL_CHANGE",
    "MATURITY", "CALL", "PRINCIPAL_PAYDOWN",
    "OPTION_EXERCISE", "OPTION_ASSIGNMENT", "OPTION_EXPIRY",
    "FX", "ADJUSTMENT",
)  # fmt: skip

EXTERNAL_FLOW_TYPES: Final = ("DEPOSIT", "WITHDRAWAL", "TRANSFER_IN", "TRANSFER_OUT", "JOURNAL", "ADJUSTMENT")
"""Types that bring value into or out of one account (docs/methodology.md section 3)."""

SECURITY_TYPES: Final = (
    "equity", "etf", "mutual_fund", "bond", "option", "money_market", "currency", "index", "other",
)  # fmt: skip
ASSET_CLASSES: Final = ("equity", "fixed_income", "cash", "alternative", "derivative", "other")
TAX_STATUSES: Final = ("taxable", "tax_deferred", "tax_exempt", "unknown")
ACCOUNT_STATUSES: Final = ("open", "closed", "unknown")
IDENTIFIER_SCHEMES: Final = ("CUSIP", "ISIN", "SEDOL", "FIGI", "CURRENCY", "TICKER", "PROVIDER")
POSITION_SIDES: Final = ("long", "short")
SUB_ACCOUNTS: Final = ("cash", "margin", "short", "income", "other")
"""Parts of one account in which a custodian may hold the same security apart; cash where it knows of none."""
HOLDING_TERMS: Final = ("short", "long", "unknown")
CORPORATE_ACTION_TYPES: Final = (
    "CASH_DIVIDEND", "STOCK_DIVIDEND", "SPLIT", "REVERSE_SPLIT", "SPINOFF", "MERGER", "RIGHTS", "RETURN_OF_CAPITAL",
    "CAPITAL_GAIN", "SYMBOL_CHANGE", "NAME_CHANGE", "TENDER", "CALL", "MATURITY", "PRINCIPAL_PAYDOWN", "DELISTING",
    "OTHER",
)  # fmt: skip
BALANCE_TYPES: Final = ("cash_settled", "cash_trade_date", "margin", "sweep", "money_market")
PRICE_FIELDS: Final = ("close",)

ARRIVAL_STATUSES: Final = ("landed", "duplicate", "refused")
"""landed: new bytes, kept; duplicate: bytes that were landed before; refused: kept, but unsafe to open."""

PARSE_STATUSES: Final = ("parsed", "blocked", "crashed")
"""parsed: the file was read, bad rows went to quarantine; blocked: the file as a whole is broken, nothing was taken;
crashed: the connector has a bug that this file brought to light, nothing was taken and nothing is said of the file."""

DISPOSITIONS: Final = ("quarantined", "flagged")

FILE_REASONS: Final = (
    "empty_file", "truncated_file", "trailer_mismatch", "wrong_encoding", "binary_content", "archive_bomb",
    "unsafe_path", "unrecognised_file", "malformed_document", "too_large", "wrong_business_date",
    "pgp_wrong_key", "pgp_bad_signature",
)  # fmt: skip
"""Faults of a file as a whole; they block it."""

PARSER_CRASHED: Final = "parser_crashed"
"""No fault of the file: its connector ended with an error of its own. Mend the connector, raise its parser_version."""

REJECT_REASONS: Final = (
    *FILE_REASONS,
    PARSER_CRASHED,
    # one record
    "unknown_record_type", "wrong_field_count", "impossible_date", "unparsable_number", "unknown_code",
    "missing_value", "foreign_account", "unknown_security", "ambiguous_security", "unmatched_cancel",
    "duplicate_key", "contract_violation", "number_out_of_range", "quality_gate", "account_already_keyed",
)  # fmt: skip

VALUE_REASONS: Final = ("missing_price", "missing_fx", "overflow", "no_position")
RETURN_REASONS: Final = (
    "first_day", "missing_valuation", "missing_previous_valuation", "missing_flow_value", "no_capital",
    "non_positive_denominator", "unfunded_income", "gap_in_history",
)  # fmt: skip
READINESS: Final = ("complete", "provisional", "blocked")
BREAK_CAUSES: Final = ("missing_at_custodian", "missing_in_ledger", "quantity_difference")

ENTRY_TYPES: Final = ("OPENING", *TRANSACTION_TYPES)
ENTRY_STATUSES: Final = ("booked", "cancelled", "retracted")
"""cancelled: a later row cancels it; retracted: a later delivery of its file or window no longer holds it."""
KEY_KINDS: Final = ("tenant", "account", "security")

PROVISIONAL_REASONS: Final = (
    "file_missing", "file_broken", "connector_crashed", "rows_quarantined", "unvalued_positions", "stale_prices",
    "position_break", "no_opening_snapshot",
)  # fmt: skip
