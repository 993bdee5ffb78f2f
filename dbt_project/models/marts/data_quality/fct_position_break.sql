select
    tenant_key,
    account_key,
    security_key,
    as_of_date,
    quantity,
    custodian_quantity,
    quantity_difference,
    break_cause,
    known_from,
    methodology_version,
    load_key
from {{ ref('stg_quality__position_break') }}
-- Without a cause the row says that the sides, which disagreed before, agree again.
where break_cause is not null
