-- On loads that wait for publication: a side that lacks the key holds nothing.
select
    tenant_key,
    account_key,
    security_key,
    as_of_date,
    load_key
from {{ source('quality', 'position_break_candidate') }}
where quantity_difference <> coalesce(quantity, 0) - coalesce(custodian_quantity, 0)
