-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    account_key,
    source_file_id,
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
    known_at,
    source_line
from {{ source('canonical', 'account') }}
