select
    tenant_key,
    account_key,
    account_id::text as account_id,
    custodian,
    account_number,
    account_name,
    account_type,
    tax_status,
    account_status,
    base_currency,
    opened_date,
    closed_date,
    known_at
from {{ ref('stg_core__accounts') }}
where known_at <= now()
