"""The dictionary of columns: every name that a table may use, declared once.

A table (``contracts/tables``) lists names from here; what a column means, its type and its unit are written nowhere
else. Each function returns a fresh dataframely column; ``nullable`` and ``primary_key`` are the only things that a
table may choose, for they depend on the grain.

Dtypes follow docs/methodology.md section 1: quantities and prices are Decimal(20, 8), money is Decimal(20, 4), a
published FX quote keeps its own scale inside Decimal(20, 10), ratios are Float64, keys are Int64, instants are UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

import dataframely as dy

from contracts import vocabularies as vocab


class Choice(TypedDict, total=False):
    """What a table may decide of a column."""

    nullable: bool
    primary_key: bool


def _meta(unit: str | None = None, *, api_type: str | None = None, pii: bool = False) -> dict[str, Any]:
    return {"unit": unit, "api_type": api_type, "pii": pii}


def _key(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Int64(description=text, metadata=_meta("key"), **kw)


def _text(
    text: str, max_length: int, *, pii: bool = False, regex: str | None = None, **kw: Unpack[Choice]
) -> dy.Column:
    return dy.String(description=text, max_length=max_length, regex=regex, metadata=_meta(pii=pii), **kw)


def _code(text: str, values: Sequence[str], **kw: Unpack[Choice]) -> dy.Column:
    return dy.Enum(list(values), description=text, metadata=_meta("code"), **kw)


def _date(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Date(description=text, metadata=_meta("date"), **kw)


def _instant(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Datetime(time_zone="UTC", time_unit="us", description=text, metadata=_meta("UTC instant"), **kw)


def _count(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Int64(min=0, description=text, metadata=_meta("count"), **kw)


def _quantity(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Decimal(20, 8, description=text, metadata=_meta("units"), **kw)


def _price(text: str, unit: str = "currency per unit", **kw: Unpack[Choice]) -> dy.Column:
    return dy.Decimal(20, 8, description=text, metadata=_meta(unit), **kw)


def _money(text: str, unit: str = "currency of the row", **kw: Unpack[Choice]) -> dy.Column:
    return dy.Decimal(20, 4, description=text, metadata=_meta(unit), **kw)


def _ratio(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Float64(description=text, metadata=_meta("ratio"), **kw)


def _flag(text: str, **kw: Unpack[Choice]) -> dy.Column:
    return dy.Bool(description=text, metadata=_meta("true or false"), **kw)


# --- keys and tenancy -------------------------------------------------------------------------------------------------


def tenant_key(**kw: Unpack[Choice]) -> dy.Column:
    return _key("Surrogate key of the tenant that the row belongs to.", **kw)


def account_key(**kw: Unpack[Choice]) -> dy.Column:
    return _key("Surrogate key of the account, issued once per tenant, custodian and account number.", **kw)


def security_key(**kw: Unpack[Choice]) -> dy.Column:
    return _key("Surrogate key of the security, issued once for all tenants; a currency is a security too.", **kw)


def load_key(**kw: Unpack[Choice]) -> dy.Column:
    return _key("Key of the bulk load that brought the row into the warehouse; its publication makes it visible.", **kw)


def account_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Public UUID of the account.", 36, **kw)


def security_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Public UUID of the security.", 36, **kw)


# --- the two clocks and lineage ---------------------------------------------------------------------------------------


def known_at(**kw: Unpack[Choice]) -> dy.Column:
    return _instant("When the platform first had the row: the arrival of its file, never the clock of a run.", **kw)


def known_from(**kw: Unpack[Choice]) -> dy.Column:
    return _instant("The instant from which this computed value was knowable: the latest known_at of its inputs.", **kw)


def methodology_version(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Version of docs/methodology.md under which the value was computed.", 16, **kw)


def source_file_id(**kw: Unpack[Choice]) -> dy.Column:
    return _key(
        "Identity of the file that the row came from: the first 63 bits of the sha256 of its content, or of content and "
        "day where only the file's name says the day.",
        **kw,
    )


def source_line(**kw: Unpack[Choice]) -> dy.Column:
    return dy.Int64(
        min=0,
        description="1-based line, record or element ordinal in the file as received; 0 means the file as a whole.",
        metadata=_meta("ordinal"),
        **kw,
    )


def natural_key(**kw: Unpack[Choice]) -> dy.Column:
    return _text(
        "Identity of the fact within its table: provider's own id where stable, else the tuple of its values.",
        1000,
        **kw,
    )


def occurrence(**kw: Unpack[Choice]) -> dy.Column:
    return dy.Int64(
        min=1,
        description="Ordinal among rows of one file that are alike in every value: three identical fills are 1, 2, 3.",
        metadata=_meta("ordinal"),
        **kw,
    )


# --- files ------------------------------------------------------------------------------------------------------------


def connection_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The tenant's name for one feed of one provider, as configured.", 64, **kw)


def adapter(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Slug of the connector that reads the file.", 64, **kw)


def file_kind(**kw: Unpack[Choice]) -> dy.Column:
    return _text(
        "Which of the connector's file kinds this is, such as TRN; null when the name is not recognised.", 32, **kw
    )


def remote_path(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Path and name as delivered by the provider.", 1024, **kw)


def logical_name(**kw: Unpack[Choice]) -> dy.Column:
    return _text(
        "The name under which new bytes replace older ones: the delivered file name without its folder.", 255, **kw
    )


def sha256(**kw: Unpack[Choice]) -> dy.Column:
    return _text("SHA-256 of the bytes as received, in hexadecimal.", 64, regex="^[0-9a-f]{64}$", **kw)


def size_bytes(**kw: Unpack[Choice]) -> dy.Column:
    return dy.Int64(min=0, description="Size of the file as received.", metadata=_meta("bytes"), **kw)


def received_at(**kw: Unpack[Choice]) -> dy.Column:
    return _instant("When the bytes were received: the source of known_at.", **kw)


def remote_modified_at(**kw: Unpack[Choice]) -> dy.Column:
    return _instant("Modification time that the provider's server reports for the file.", **kw)


def arrival_status(**kw: Unpack[Choice]) -> dy.Column:
    return _code("What landing made of the delivery.", vocab.ARRIVAL_STATUSES, **kw)


def parse_status(**kw: Unpack[Choice]) -> dy.Column:
    return _code("How reading the file ended.", vocab.PARSE_STATUSES, **kw)


def business_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("The business day that the provider says the file or row is of.", **kw)


def first_effective_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Earliest effective date among the rows: the day from which computed facts may change.", **kw)


def last_effective_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Latest effective date among the rows.", **kw)


def record_count(**kw: Unpack[Choice]) -> dy.Column:
    return _count("Data records in the file, as counted by the reader.", **kw)


def parsed_count(**kw: Unpack[Choice]) -> dy.Column:
    return _count("Records that became canonical rows.", **kw)


def quarantined_count(**kw: Unpack[Choice]) -> dy.Column:
    return _count("Records held in quarantine. record_count = parsed_count + quarantined_count.", **kw)


def is_refresh(**kw: Unpack[Choice]) -> dy.Column:
    return _flag("Whether the file restates all that its kind is about, or states what is new or changed alone.", **kw)


def parser_version(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Version of the connector's layouts and mapping; a new version reads the file again.", 32, **kw)


# --- quarantine and findings ------------------------------------------------------------------------------------------


def reason(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Named reason.", vocab.REJECT_REASONS, **kw)


def disposition(**kw: Unpack[Choice]) -> dy.Column:
    return _code(
        "quarantined: not in the canonical tables; flagged: kept there but not booked.", vocab.DISPOSITIONS, **kw
    )


def detail(**kw: Unpack[Choice]) -> dy.Column:
    return _text("What is wrong and what to do about it, without client data.", 1000, **kw)


def field_name(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The field of the record that is at fault.", 64, **kw)


def raw_text(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The line as received, cut at 4000 characters.", 4000, pii=True, **kw)


def table_name(**kw: Unpack[Choice]) -> dy.Column:
    return _text("schema.table that the row was meant for or is about.", 64, **kw)


# --- accounts and securities ------------------------------------------------------------------------------------------


def custodian(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Slug of the custodian that holds the account.", 64, **kw)


def account_number(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The custodian's account number, normalised by its connector.", 64, pii=True, **kw)


def master_account_number(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The advisor's master account under which the custodian delivers the account.", 64, **kw)


def account_name(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Registration title of the account.", 255, pii=True, **kw)


def account_type(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Registration as the custodian codes it, in lower case.", 50, **kw)


def tax_status(**kw: Unpack[Choice]) -> dy.Column:
    return _code("How gains in the account are taxed.", vocab.TAX_STATUSES, **kw)


def account_status(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Whether the account is open.", vocab.ACCOUNT_STATUSES, **kw)


def base_currency(**kw: Unpack[Choice]) -> dy.Column:
    return _text("ISO 4217 code of the currency in which the account is valued.", 3, regex="^[A-Z]{3}$", **kw)


def opened_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day on which the custodian opened the account.", **kw)


def closed_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day on which the custodian closed the account.", **kw)


def scheme(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Issuer of the identifier.", vocab.IDENTIFIER_SCHEMES, **kw)


def identifier(**kw: Unpack[Choice]) -> dy.Column:
    return _text(
        "The identifier's value, upper case, with provider-issued ones prefixed by the provider's slug.", 64, **kw
    )


def valid_from(**kw: Unpack[Choice]) -> dy.Column:
    return _date("First day of validity.", **kw)


def valid_to(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Last day of validity; null while it is valid.", **kw)


def security_name(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Name of the security as its best source writes it.", 255, **kw)


def security_type(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Type of instrument.", vocab.SECURITY_TYPES, **kw)


def asset_class(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Asset class.", vocab.ASSET_CLASSES, **kw)


def cusip(**kw: Unpack[Choice]) -> dy.Column:
    return _text("CUSIP, nine characters.", 9, **kw)


def isin(**kw: Unpack[Choice]) -> dy.Column:
    return _text("ISIN, twelve characters.", 12, **kw)


def sedol(**kw: Unpack[Choice]) -> dy.Column:
    return _text("SEDOL, seven characters.", 7, **kw)


def ticker(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Ticker as the provider writes it; never an identity.", 64, **kw)


def figi(**kw: Unpack[Choice]) -> dy.Column:
    return _text("FIGI, twelve characters.", 12, **kw)


def provider_security_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The provider's own stable security id.", 64, **kw)


def price_factor(**kw: Unpack[Choice]) -> dy.Column:
    return _price(
        "Factor from quoted price to money per unit: 0.01 for bonds quoted in percent of par, else 1.", "ratio", **kw
    )


def multiplier(**kw: Unpack[Choice]) -> dy.Column:
    return _price("Contract multiplier: 100 for a standard equity option, else 1.", "units per contract", **kw)


def currency(**kw: Unpack[Choice]) -> dy.Column:
    return _text("ISO 4217 code of the currency of the row's amounts.", 3, regex="^[A-Z]{3}$", **kw)


def maturity_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day on which the instrument matures or expires.", **kw)


def coupon_percent(**kw: Unpack[Choice]) -> dy.Column:
    return _price("Yearly coupon in percent of par, as stated.", "percent", **kw)


def pool_factor(**kw: Unpack[Choice]) -> dy.Column:
    return _price("Share of the original face that is outstanding; null for what is not factored.", "ratio", **kw)


def issue_country(**kw: Unpack[Choice]) -> dy.Column:
    return _text("ISO 3166 code of the issuer's country.", 2, regex="^[A-Z]{2}$", **kw)


# --- transactions -----------------------------------------------------------------------------------------------------


def transaction_type(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Type in the ledger's sense (docs/methodology.md section 3).", vocab.TRANSACTION_TYPES, **kw)


def trade_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Effective date: the provider's local trade or entry date.", **kw)


def settle_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day on which cash and securities change hands; null when the provider gives none.", **kw)


def quantity(**kw: Unpack[Choice]) -> dy.Column:
    return _quantity("Signed quantity; positive adds to the holding.", **kw)


def price(**kw: Unpack[Choice]) -> dy.Column:
    return _price("Price per unit as quoted.", **kw)


def amount(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Net effect on cash, fees and withholding included; positive adds to cash.", **kw)


def commission(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Commission included in amount, carried positive.", **kw)


def fees(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Fees included in amount, carried positive.", **kw)


def accrued_interest(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Accrued interest included in amount, carried positive.", **kw)


def tax_withheld(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Tax withheld from amount, carried positive.", **kw)


def provider_transaction_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The provider's own transaction id where it gives a stable one.", 255, **kw)


def provider_code(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The provider's transaction code as received.", 64, **kw)


def is_cancel(**kw: Unpack[Choice]) -> dy.Column:
    return _flag("Whether the row cancels another instead of being booked itself.", **kw)


def reverses(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Provider's id of the transaction that this row cancels, where it names one.", 255, **kw)


def entry_type(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Type of ledger entry: OPENING, or the transaction's type.", vocab.ENTRY_TYPES, **kw)


def entry_status(**kw: Unpack[Choice]) -> dy.Column:
    return _code(
        "booked entries count; cancelled and retracted ones are kept for the trace.", vocab.ENTRY_STATUSES, **kw
    )


def effective_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day on which the entry counts: trade date, or the day of the opening snapshot.", **kw)


def key_kind(**kw: Unpack[Choice]) -> dy.Column:
    return _code("What the key identifies.", vocab.KEY_KINDS, **kw)


def surrogate_key(**kw: Unpack[Choice]) -> dy.Column:
    return _key("The key issued; never reused.", **kw)


def public_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Public UUID that stands for the key outside.", 36, **kw)


def issued_for(**kw: Unpack[Choice]) -> dy.Column:
    return _text(
        "What the key was issued for: tenant slug, custodian|account number, or scheme|identifier.", 255, pii=True, **kw
    )


# --- positions, balances, prices, rates -------------------------------------------------------------------------------


def as_of_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Business day at whose close the value stands.", **kw)


def position_side(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Long or short, where one account holds both apart.", vocab.POSITION_SIDES, **kw)


def sub_account(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Part of the account in which the custodian holds the security.", vocab.SUB_ACCOUNTS, **kw)


def is_delta(**kw: Unpack[Choice]) -> dy.Column:
    return _flag(
        "Whether the file states changed holdings alone, so that absence says nothing and zero says closed.", **kw
    )


def custodian_quantity(**kw: Unpack[Choice]) -> dy.Column:
    return _quantity("Signed quantity that the custodian reports, settled and unsettled.", **kw)


def quantity_difference(**kw: Unpack[Choice]) -> dy.Column:
    return _quantity("Our quantity less the custodian's.", **kw)


def market_value(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Market value as the provider states it.", **kw)


def balance_type(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Which balance the row states.", vocab.BALANCE_TYPES, **kw)


def balance(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Balance; positive is money of the client's.", **kw)


def price_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day of the price.", **kw)


def price_source(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Slug of the source of the price.", 64, **kw)


def rate_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day of the FX fixing.", **kw)


def rate_source(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Slug of the source of the FX quote.", 64, **kw)


def base_code(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The currency of which one unit is quoted.", 3, regex="^[A-Z]{3}$", **kw)


def quote_code(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The currency in which it is quoted.", 3, regex="^[A-Z]{3}$", **kw)


def rate(**kw: Unpack[Choice]) -> dy.Column:
    return dy.Decimal(
        20,
        10,
        min_exclusive=0,
        description="Units of quote_code for one base_code, as published.",
        metadata=_meta("quote per base"),
        **kw,
    )


# --- lots, realised gains, corporate actions -----------------------------------------------------------------------


def lot_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text(
        "The custodian's id of the tax lot; where it gives none, the lot's place within its holding.", 80, **kw
    )


def acquired_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day from which the lot counts as held; null when the custodian does not know it.", **kw)


def sold_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Trade date of the sale that closed the lot.", **kw)


def cost_basis(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Cost of the lot as the custodian states it; null when it is not known.", **kw)


def is_cost_known(**kw: Unpack[Choice]) -> dy.Column:
    return _flag("Whether the custodian says that the stated cost is complete.", **kw)


def is_covered(**kw: Unpack[Choice]) -> dy.Column:
    return _flag("Whether the custodian reports the lot's cost to the tax authority.", **kw)


def unrealized_gain(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Gain of an open lot as the custodian states it.", **kw)


def proceeds(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Proceeds of the closed quantity as the custodian states them.", **kw)


def realized_gain(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Gain of the closed quantity as the custodian states it, before any disallowance.", **kw)


def disallowed_loss(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Part of the loss that is disallowed as a wash sale, carried positive.", **kw)


def holding_term(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Holding-period class as the custodian states it.", vocab.HOLDING_TERMS, **kw)


def action_type(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Type of corporate action.", vocab.CORPORATE_ACTION_TYPES, **kw)


def provider_event_id(**kw: Unpack[Choice]) -> dy.Column:
    return _text("The provider's id of the event; where it gives none, built from type and dates.", 120, **kw)


def announced_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day of the announcement.", **kw)


def ex_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("First day on which a buyer no longer takes part.", **kw)


def record_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day whose holders take part.", **kw)


def pay_date(**kw: Unpack[Choice]) -> dy.Column:
    return _date("Day on which cash or securities are delivered.", **kw)


def cash_rate(**kw: Unpack[Choice]) -> dy.Column:
    return _price("Cash per unit held, gross.", "currency per unit", **kw)


def new_units(**kw: Unpack[Choice]) -> dy.Column:
    return _quantity("Units held or received afterwards for old_units: 4 for a split of four for one.", **kw)


def old_units(**kw: Unpack[Choice]) -> dy.Column:
    return _quantity("Units held before, to which new_units refers: 1 for a split of four for one.", **kw)


def new_identifier(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Identifier of the security received, as scheme:value.", 80, **kw)


def is_cancelled(**kw: Unpack[Choice]) -> dy.Column:
    return _flag("Whether the provider has withdrawn the event.", **kw)


def effective_on(**kw: Unpack[Choice]) -> dy.Column:
    return _date("The day on which the event takes effect: ex-date where there is one.", **kw)


def former_adapter(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Slug of the connector under which the account was known before.", 64, **kw)


def former_account_number(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Number of the account before it moved, normalised by the connector.", 64, pii=True, **kw)


# --- valuation --------------------------------------------------------------------------------------------------------


def price_age_days(**kw: Unpack[Choice]) -> dy.Column:
    return dy.Int64(
        min=0, description="Business days from price_date to as_of_date.", metadata=_meta("business days"), **kw
    )


def is_price_stale(**kw: Unpack[Choice]) -> dy.Column:
    return _flag("Whether the price is more than five business days old.", **kw)


def market_value_local(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Market value in the security's currency; null when there is no price.", **kw)


def market_value_base(**kw: Unpack[Choice]) -> dy.Column:
    return _money(
        "Market value in the account's base currency; null when a price or rate is missing.", "base currency", **kw
    )


def cash_value_base(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Cash of all currencies, in the account's base currency.", "base currency", **kw)


def total_value_base(**kw: Unpack[Choice]) -> dy.Column:
    return _money("Securities and cash in base currency; null when any part cannot be valued.", "base currency", **kw)


def inflow_base(**kw: Unpack[Choice]) -> dy.Column:
    return _money("External flows into the account since the previous valuation date, positive.", "base currency", **kw)


def outflow_base(**kw: Unpack[Choice]) -> dy.Column:
    return _money(
        "External flows out of the account since the previous valuation date, positive.", "base currency", **kw
    )


def gain_base(**kw: Unpack[Choice]) -> dy.Column:
    return _money(
        "Gain of the day in money: value at end plus outflows less value at begin less inflows.", "base currency", **kw
    )


def daily_return(**kw: Unpack[Choice]) -> dy.Column:
    return _ratio("Time-weighted return of the day, net of fees paid; null with a reason.", **kw)


def linked_return(**kw: Unpack[Choice]) -> dy.Column:
    return _ratio(
        "Time-weighted return linked since the account's inception, not annualised; null with a reason.", **kw
    )


def position_count(**kw: Unpack[Choice]) -> dy.Column:
    return _count("Positions with a quantity, cash included.", **kw)


def unvalued_count(**kw: Unpack[Choice]) -> dy.Column:
    return _count("Positions that could not be valued.", **kw)


def stale_count(**kw: Unpack[Choice]) -> dy.Column:
    return _count("Positions valued at a stale price.", **kw)


def value_reason(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Why a value is null; null when it is there.", vocab.VALUE_REASONS, **kw)


def return_reason(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Why a return is null, or what to know of it.", vocab.RETURN_REASONS, **kw)


def readiness(**kw: Unpack[Choice]) -> dy.Column:
    return _code("Whether the figure may be relied on.", vocab.READINESS, **kw)


def readiness_reasons(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Reasons for a readiness other than complete, joined by semicolons.", 500, **kw)


def data_type(**kw: Unpack[Choice]) -> dy.Column:
    return _text("Kind of data that the readiness is about: a file kind of the connector.", 32, **kw)


def break_cause(**kw: Unpack[Choice]) -> dy.Column:
    return _code(
        "Which side lacks the key, or whether both hold it with different quantities.", vocab.BREAK_CAUSES, **kw
    )


def consumed_by(**kw: Unpack[Choice]) -> dy.Column:
    return _text("schema.table whose computed rows take the file's rows into account.", 64, **kw)
