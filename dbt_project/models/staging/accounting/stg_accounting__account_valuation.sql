-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    account_key,
    as_of_date,
    known_from,
    methodology_version,
    base_currency,
    total_value_base,
    cash_value_base,
    inflow_base,
    outflow_base,
    gain_base,
    daily_return,
    linked_return,
    return_reason,
    position_count,
    unvalued_count,
    stale_count,
    readiness,
    readiness_reasons,
    load_key
from {{ source('accounting', 'account_valuation_published') }}
