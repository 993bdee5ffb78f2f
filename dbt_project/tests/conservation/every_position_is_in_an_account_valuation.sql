-- On loads that wait for publication: no holding outside a valued account, or its worth would be in no total.
select distinct
    p.tenant_key,
    p.account_key,
    p.as_of_date,
    p.load_key
from {{ source('accounting', 'position_candidate') }} as p
where
    p.value_reason is distinct from 'no_position'
    and not exists (
        select 1
        from {{ source('accounting', 'account_valuation_candidate') }} as v
        where
            v.tenant_key = p.tenant_key
            and v.account_key = p.account_key
            and v.as_of_date = p.as_of_date
            and v.load_key = p.load_key
    )
