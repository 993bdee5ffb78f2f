-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    account_key,
    security_key,
    as_of_date,
    known_from,
    methodology_version,
    quantity,
    currency,
    price,
    price_date,
    price_source,
    price_age_days,
    is_price_stale,
    market_value_local,
    rate_date,
    market_value_base,
    value_reason,
    load_key
from {{ source('accounting', 'position_published') }}
