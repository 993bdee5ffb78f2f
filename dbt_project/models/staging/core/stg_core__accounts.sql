select
    tenant_key,
    account_key,
    account_id,
    custodian,
    account_number,
    master_account_number,
    account_name,
    account_type,
    tax_status,
    account_status,
    base_currency,
    opened_date,
    closed_date,
    business_date,
    known_at
from {{ source('core', 'accounts') }}
