-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    account_key,
    security_key,
    as_of_date,
    known_from,
    methodology_version,
    quantity,
    custodian_quantity,
    quantity_difference,
    break_cause,
    load_key
from {{ source('quality', 'position_break_published') }}
