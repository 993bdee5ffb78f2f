"""Rows of the marts, as the API may show them.

Rendered by tools/render_contracts.py from the contracts in dbt_project/models/marts; change those instead.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field


class AccountSummary(BaseModel):
    """Each account with its latest published valuation. An account that was never valued is not in it. Grain: one row per account."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    account_key: int = Field(description='Surrogate key of the account, issued once per tenant, custodian and account number.', json_schema_extra={'unit': 'key'})
    account_id: str = Field(description='Public UUID of the account.')
    custodian: str = Field(description='Slug of the custodian that holds the account.')
    account_number: str = Field(description="The custodian's account number, normalised by its connector.")
    account_name: str | None = Field(description='Registration title of the account.')
    account_status: str = Field(description='Whether the account is open.', json_schema_extra={'unit': 'code'})
    as_of_date: date = Field(description='Business day at whose close the value stands.', json_schema_extra={'unit': 'date'})
    base_currency: str = Field(description='ISO 4217 code of the currency in which the account is valued.')
    total_value_base: Decimal | None = Field(description='Securities and cash in base currency; null when any part cannot be valued.', json_schema_extra={'unit': 'base currency'})
    cash_value_base: Decimal | None = Field(description="Cash of all currencies, in the account's base currency.", json_schema_extra={'unit': 'base currency'})
    gain_base: Decimal | None = Field(description='Gain of the day in money: value at end plus outflows less value at begin less inflows.', json_schema_extra={'unit': 'base currency'})
    daily_return: Decimal | None = Field(description='Time-weighted return of the day, net of fees paid; null with a reason.', json_schema_extra={'unit': 'ratio'})
    linked_return: Decimal | None = Field(description="Time-weighted return linked since the account's inception, not annualised; null with a reason.", json_schema_extra={'unit': 'ratio'})
    return_reason: str | None = Field(description='Why a return is null, or what to know of it.', json_schema_extra={'unit': 'code'})
    position_count: int = Field(description='Positions with a quantity, cash included.', json_schema_extra={'unit': 'count'})
    unvalued_count: int = Field(description='Positions that could not be valued.', json_schema_extra={'unit': 'count'})
    stale_count: int = Field(description='Positions valued at a stale price.', json_schema_extra={'unit': 'count'})
    readiness: str = Field(description='Whether the figure may be relied on.', json_schema_extra={'unit': 'code'})
    readiness_reasons: str | None = Field(description='Reasons for a readiness other than complete, joined by semicolons.')
    known_from: datetime = Field(description='The instant from which this computed value was knowable: the latest known_at of its inputs.', json_schema_extra={'unit': 'UTC instant'})
    methodology_version: str = Field(description='Version of docs/methodology.md under which the value was computed.')


class DimAccount(BaseModel):
    """Accounts as their custodian last described them. Grain: one row per account."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    account_key: int = Field(description='Surrogate key of the account, issued once per tenant, custodian and account number.', json_schema_extra={'unit': 'key'})
    account_id: str = Field(description='Public UUID of the account.')
    custodian: str = Field(description='Slug of the custodian that holds the account.')
    account_number: str = Field(description="The custodian's account number, normalised by its connector.")
    account_name: str | None = Field(description='Registration title of the account.')
    account_type: str | None = Field(description='Registration as the custodian codes it, in lower case.')
    tax_status: str = Field(description='How gains in the account are taxed.', json_schema_extra={'unit': 'code'})
    account_status: str = Field(description='Whether the account is open.', json_schema_extra={'unit': 'code'})
    base_currency: str = Field(description='ISO 4217 code of the currency in which the account is valued.')
    opened_date: date | None = Field(description='Day on which the custodian opened the account.', json_schema_extra={'unit': 'date'})
    closed_date: date | None = Field(description='Day on which the custodian closed the account.', json_schema_extra={'unit': 'date'})
    known_at: datetime = Field(description='When the platform first had the row: the arrival of its file, never the clock of a run.', json_schema_extra={'unit': 'UTC instant'})


class DimDate(BaseModel):
    """Calendar days from 1990 to 2049. Grain: one row per day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    calendar_date: date = Field(description='The day.', json_schema_extra={'unit': 'date'})
    calendar_year: int = Field(description='Year of the day.', json_schema_extra={'unit': 'year'})
    calendar_quarter: int = Field(description='Quarter of the year, 1 to 4.', json_schema_extra={'unit': 'ordinal'})
    calendar_month: int = Field(description='Month of the year, 1 to 12.', json_schema_extra={'unit': 'ordinal'})
    iso_weekday: int = Field(description='Day of the week, Monday is 1.', json_schema_extra={'unit': 'ordinal'})
    is_weekday: bool = Field(description='Whether the day is no Saturday or Sunday; holidays are not known here.', json_schema_extra={'unit': 'true or false'})
    is_month_end: bool = Field(description='Whether the day is the last of its month.', json_schema_extra={'unit': 'true or false'})


class DimSecurity(BaseModel):
    """Securities, currencies among them, with the identifiers that are valid now. Grain: one row per security."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    security_key: int = Field(description='Surrogate key of the security, issued once for all tenants; a currency is a security too.', json_schema_extra={'unit': 'key'})
    security_id: str = Field(description='Public UUID of the security.')
    security_name: str = Field(description='Name of the security as its best source writes it.')
    security_type: str = Field(description='Type of instrument.', json_schema_extra={'unit': 'code'})
    asset_class: str = Field(description='Asset class.', json_schema_extra={'unit': 'code'})
    currency: str = Field(description="ISO 4217 code of the currency of the row's amounts.")
    cusip: str | None = Field(description='CUSIP, nine characters.')
    isin: str | None = Field(description='ISIN, twelve characters.')
    sedol: str | None = Field(description='SEDOL, seven characters.')
    ticker: str | None = Field(description='Ticker as the provider writes it; never an identity.')
    price_factor: Decimal = Field(description='Factor from quoted price to money per unit: 0.01 for bonds quoted in percent of par, else 1.', json_schema_extra={'unit': 'ratio'})
    multiplier: Decimal = Field(description='Contract multiplier: 100 for a standard equity option, else 1.', json_schema_extra={'unit': 'units per contract'})


class DimTenant(BaseModel):
    """Firms that use the platform. Grain: one row per tenant."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    tenant_id: str = Field(description='Public UUID of the tenant.')
    tenant_slug: str = Field(description='Name of the tenant in paths and partitions.')
    tenant_name: str = Field(description='Name of the tenant for people.')
    reporting_currency: str = Field(description='ISO 4217 code of the currency in which levels above an account are totalled.')
    created_at: datetime = Field(description='When the tenant was entered.', json_schema_extra={'unit': 'UTC instant'})


class FctAccountValuationDaily(BaseModel):
    """Published value, flows and return of each account at the close of each business day. Grain: one row per account and business day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    account_key: int = Field(description='Surrogate key of the account, issued once per tenant, custodian and account number.', json_schema_extra={'unit': 'key'})
    as_of_date: date = Field(description='Business day at whose close the value stands.', json_schema_extra={'unit': 'date'})
    known_from: datetime = Field(description='The instant from which this computed value was knowable: the latest known_at of its inputs.', json_schema_extra={'unit': 'UTC instant'})
    methodology_version: str = Field(description='Version of docs/methodology.md under which the value was computed.')
    base_currency: str = Field(description='ISO 4217 code of the currency in which the account is valued.')
    total_value_base: Decimal | None = Field(description='Securities and cash in base currency; null when any part cannot be valued.', json_schema_extra={'unit': 'base currency'})
    cash_value_base: Decimal | None = Field(description="Cash of all currencies, in the account's base currency.", json_schema_extra={'unit': 'base currency'})
    inflow_base: Decimal | None = Field(description='External flows into the account since the previous valuation date, positive.', json_schema_extra={'unit': 'base currency'})
    outflow_base: Decimal | None = Field(description='External flows out of the account since the previous valuation date, positive.', json_schema_extra={'unit': 'base currency'})
    gain_base: Decimal | None = Field(description='Gain of the day in money: value at end plus outflows less value at begin less inflows.', json_schema_extra={'unit': 'base currency'})
    daily_return: Decimal | None = Field(description='Time-weighted return of the day, net of fees paid; null with a reason.', json_schema_extra={'unit': 'ratio'})
    linked_return: Decimal | None = Field(description="Time-weighted return linked since the account's inception, not annualised; null with a reason.", json_schema_extra={'unit': 'ratio'})
    return_reason: str | None = Field(description='Why a return is null, or what to know of it.', json_schema_extra={'unit': 'code'})
    position_count: int = Field(description='Positions with a quantity, cash included.', json_schema_extra={'unit': 'count'})
    unvalued_count: int = Field(description='Positions that could not be valued.', json_schema_extra={'unit': 'count'})
    stale_count: int = Field(description='Positions valued at a stale price.', json_schema_extra={'unit': 'count'})
    readiness: str = Field(description='Whether the figure may be relied on.', json_schema_extra={'unit': 'code'})
    readiness_reasons: str | None = Field(description='Reasons for a readiness other than complete, joined by semicolons.')
    load_key: int = Field(description='Key of the bulk load that brought the row into the warehouse; its publication makes it visible.', json_schema_extra={'unit': 'key'})


class FctFeedArrival(BaseModel):
    """Deliveries of files, with the outcome of reading them. Null counts: not read yet. Grain: one row per delivery."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    connection_id: str = Field(description="The tenant's name for one feed of one provider, as configured.")
    remote_path: str = Field(description='Path and name as delivered by the provider.')
    received_at: datetime = Field(description='When the bytes were received: the source of known_at.', json_schema_extra={'unit': 'UTC instant'})
    adapter: str = Field(description='Slug of the connector that reads the file.')
    file_kind: str | None = Field(description="Which of the connector's file kinds this is, such as TRN; null when the name is not recognised.")
    logical_name: str = Field(description='The name under which new bytes replace older ones: the delivered file name without its folder.')
    business_date: date | None = Field(description='The business day that the provider says the file or row is of.', json_schema_extra={'unit': 'date'})
    source_file_id: int = Field(description="Identity of the file that the row came from: the first 63 bits of the sha256 of its content, or of content and day where only the file's name says the day.", json_schema_extra={'unit': 'key'})
    size_bytes: int = Field(description='Size of the file as received.', json_schema_extra={'unit': 'bytes'})
    arrival_status: str = Field(description='What landing made of the delivery.', json_schema_extra={'unit': 'code'})
    parse_status: str | None = Field(description='How reading the file ended.', json_schema_extra={'unit': 'code'})
    record_count: int | None = Field(description='Data records in the file, as counted by the reader.', json_schema_extra={'unit': 'count'})
    parsed_count: int | None = Field(description='Records that became canonical rows.', json_schema_extra={'unit': 'count'})
    quarantined_count: int | None = Field(description='Records held in quarantine. record_count = parsed_count + quarantined_count.', json_schema_extra={'unit': 'count'})


class FctFeedReadiness(BaseModel):
    """Published readiness of each feed for each business day. Grain: one row per connection, kind of file and business day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    connection_id: str = Field(description="The tenant's name for one feed of one provider, as configured.")
    data_type: str = Field(description='Kind of data that the readiness is about: a file kind of the connector.')
    as_of_date: date = Field(description='Business day at whose close the value stands.', json_schema_extra={'unit': 'date'})
    readiness: str = Field(description='Whether the figure may be relied on.', json_schema_extra={'unit': 'code'})
    readiness_reasons: str | None = Field(description='Reasons for a readiness other than complete, joined by semicolons.')
    known_from: datetime = Field(description='The instant from which this computed value was knowable: the latest known_at of its inputs.', json_schema_extra={'unit': 'UTC instant'})
    methodology_version: str = Field(description='Version of docs/methodology.md under which the value was computed.')
    load_key: int = Field(description='Key of the bulk load that brought the row into the warehouse; its publication makes it visible.', json_schema_extra={'unit': 'key'})


class FctPositionBreak(BaseModel):
    """Published holdings on which our ledger and the custodian disagree. Grain: one row per account, security and business day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    account_key: int = Field(description='Surrogate key of the account, issued once per tenant, custodian and account number.', json_schema_extra={'unit': 'key'})
    security_key: int = Field(description='Surrogate key of the security, issued once for all tenants; a currency is a security too.', json_schema_extra={'unit': 'key'})
    as_of_date: date = Field(description='Business day at whose close the value stands.', json_schema_extra={'unit': 'date'})
    quantity: Decimal | None = Field(description='Signed quantity; positive adds to the holding.', json_schema_extra={'unit': 'units'})
    custodian_quantity: Decimal | None = Field(description='Signed quantity that the custodian reports, settled and unsettled.', json_schema_extra={'unit': 'units'})
    quantity_difference: Decimal = Field(description="Our quantity less the custodian's.", json_schema_extra={'unit': 'units'})
    break_cause: str = Field(description='Which side lacks the key, or whether both hold it with different quantities.', json_schema_extra={'unit': 'code'})
    known_from: datetime = Field(description='The instant from which this computed value was knowable: the latest known_at of its inputs.', json_schema_extra={'unit': 'UTC instant'})
    methodology_version: str = Field(description='Version of docs/methodology.md under which the value was computed.')
    load_key: int = Field(description='Key of the bulk load that brought the row into the warehouse; its publication makes it visible.', json_schema_extra={'unit': 'key'})


class FctPositionDaily(BaseModel):
    """Published holdings, cash included, valued at the close of each business day. Grain: one row per account, security and business day."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    account_key: int = Field(description='Surrogate key of the account, issued once per tenant, custodian and account number.', json_schema_extra={'unit': 'key'})
    security_key: int = Field(description='Surrogate key of the security, issued once for all tenants; a currency is a security too.', json_schema_extra={'unit': 'key'})
    as_of_date: date = Field(description='Business day at whose close the value stands.', json_schema_extra={'unit': 'date'})
    quantity: Decimal = Field(description='Signed quantity; positive adds to the holding.', json_schema_extra={'unit': 'units'})
    currency: str = Field(description="ISO 4217 code of the currency of the row's amounts.")
    price: Decimal | None = Field(description='Price per unit as quoted.', json_schema_extra={'unit': 'currency per unit'})
    price_date: date | None = Field(description='Day of the price.', json_schema_extra={'unit': 'date'})
    price_source: str | None = Field(description='Slug of the source of the price.')
    price_age_days: int | None = Field(description='Business days from price_date to as_of_date.', json_schema_extra={'unit': 'business days'})
    is_price_stale: bool = Field(description='Whether the price is more than five business days old.', json_schema_extra={'unit': 'true or false'})
    market_value_local: Decimal | None = Field(description="Market value in the security's currency; null when there is no price.", json_schema_extra={'unit': 'currency of the row'})
    rate_date: date | None = Field(description='Day of the FX fixing.', json_schema_extra={'unit': 'date'})
    market_value_base: Decimal | None = Field(description="Market value in the account's base currency; null when a price or rate is missing.", json_schema_extra={'unit': 'base currency'})
    value_reason: str | None = Field(description='Why a value is null; null when it is there.', json_schema_extra={'unit': 'code'})
    known_from: datetime = Field(description='The instant from which this computed value was knowable: the latest known_at of its inputs.', json_schema_extra={'unit': 'UTC instant'})
    methodology_version: str = Field(description='Version of docs/methodology.md under which the value was computed.')
    load_key: int = Field(description='Key of the bulk load that brought the row into the warehouse; its publication makes it visible.', json_schema_extra={'unit': 'key'})


class FctReject(BaseModel):
    """Records and files that were held back, without the line as received. Grain: one row per source line, reason and field."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    source_file_id: int = Field(description="Identity of the file that the row came from: the first 63 bits of the sha256 of its content, or of content and day where only the file's name says the day.", json_schema_extra={'unit': 'key'})
    source_line: int = Field(description='1-based line, record or element ordinal in the file as received; 0 means the file as a whole.', json_schema_extra={'unit': 'ordinal'})
    reason: str = Field(description='Named reason.', json_schema_extra={'unit': 'code'})
    field_name: str = Field(description='The field of the record that is at fault.')
    table_name: str | None = Field(description='schema.table that the row was meant for or is about.')
    disposition: str = Field(description='quarantined: not in the canonical tables; flagged: kept there but not booked.', json_schema_extra={'unit': 'code'})
    detail: str = Field(description='What is wrong and what to do about it, without client data.')
    connection_id: str = Field(description="The tenant's name for one feed of one provider, as configured.")
    logical_name: str = Field(description='The name under which new bytes replace older ones: the delivered file name without its folder.')
    business_date: date | None = Field(description='The business day that the provider says the file or row is of.', json_schema_extra={'unit': 'date'})
    known_at: datetime = Field(description='When the platform first had the row: the arrival of its file, never the clock of a run.', json_schema_extra={'unit': 'UTC instant'})


class FctTransaction(BaseModel):
    """Transactions and cancels as last reported. What the ledger makes of them (cancelled pairs, rows that a later statement retracts) is not applied here: positions come from the ledger. Grain: one row per account and natural key."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    tenant_key: int = Field(description='Surrogate key of the tenant that the row belongs to.', json_schema_extra={'unit': 'key'})
    account_key: int = Field(description='Surrogate key of the account, issued once per tenant, custodian and account number.', json_schema_extra={'unit': 'key'})
    natural_key: str = Field(description="Identity of the fact within its table: provider's own id where stable, else the tuple of its values.")
    security_key: int | None = Field(description='Surrogate key of the security, issued once for all tenants; a currency is a security too.', json_schema_extra={'unit': 'key'})
    transaction_type: str = Field(description="Type in the ledger's sense (docs/methodology.md section 3).", json_schema_extra={'unit': 'code'})
    trade_date: date = Field(description="Effective date: the provider's local trade or entry date.", json_schema_extra={'unit': 'date'})
    settle_date: date | None = Field(description='Day on which cash and securities change hands; null when the provider gives none.', json_schema_extra={'unit': 'date'})
    quantity: Decimal = Field(description='Signed quantity; positive adds to the holding.', json_schema_extra={'unit': 'units'})
    price: Decimal | None = Field(description='Price per unit as quoted.', json_schema_extra={'unit': 'currency per unit'})
    amount: Decimal = Field(description='Net effect on cash, fees and withholding included; positive adds to cash.', json_schema_extra={'unit': 'currency of the row'})
    currency: str = Field(description="ISO 4217 code of the currency of the row's amounts.")
    commission: Decimal = Field(description='Commission included in amount, carried positive.', json_schema_extra={'unit': 'currency of the row'})
    fees: Decimal = Field(description='Fees included in amount, carried positive.', json_schema_extra={'unit': 'currency of the row'})
    accrued_interest: Decimal = Field(description='Accrued interest included in amount, carried positive.', json_schema_extra={'unit': 'currency of the row'})
    tax_withheld: Decimal = Field(description='Tax withheld from amount, carried positive.', json_schema_extra={'unit': 'currency of the row'})
    is_cancel: bool = Field(description='Whether the row cancels another instead of being booked itself.', json_schema_extra={'unit': 'true or false'})
    connection_id: str = Field(description="The tenant's name for one feed of one provider, as configured.")
    known_at: datetime = Field(description='When the platform first had the row: the arrival of its file, never the clock of a run.', json_schema_extra={'unit': 'UTC instant'})
    source_file_id: int = Field(description="Identity of the file that the row came from: the first 63 bits of the sha256 of its content, or of content and day where only the file's name says the day.", json_schema_extra={'unit': 'key'})
    source_line: int = Field(description='1-based line, record or element ordinal in the file as received; 0 means the file as a whole.', json_schema_extra={'unit': 'ordinal'})
