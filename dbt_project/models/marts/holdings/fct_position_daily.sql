select
    tenant_key,
    account_key,
    security_key,
    as_of_date,
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
    known_from,
    methodology_version,
    load_key
from {{ ref('stg_accounting__position') }}
-- A row of this reason says that a position which stood here before is not there any more.
where value_reason is distinct from 'no_position'
