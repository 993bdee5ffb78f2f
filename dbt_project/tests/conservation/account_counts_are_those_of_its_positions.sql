-- On loads that wait for publication: the positions, and those that could not be valued, are as many as the account says.
select
    v.tenant_key,
    v.account_key,
    v.as_of_date,
    v.load_key
from {{ source('accounting', 'account_valuation_candidate') }} as v
left join {{ source('accounting', 'position_candidate') }} as p
    on
        p.tenant_key = v.tenant_key
        and p.account_key = v.account_key
        and p.as_of_date = v.as_of_date
        and p.load_key = v.load_key
        and p.value_reason is distinct from 'no_position'
group by v.tenant_key, v.account_key, v.as_of_date, v.load_key, v.position_count, v.unvalued_count
having
    count(p.security_key) <> v.position_count
    or count(p.security_key) filter (where p.market_value_base is null) <> v.unvalued_count
