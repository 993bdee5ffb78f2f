-- On loads that wait for publication: an account whose value is stated is worth what its positions are worth together.
-- Both sides were rounded per position, so they agree to the last digit.
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
where v.total_value_base is not null
group by v.tenant_key, v.account_key, v.as_of_date, v.load_key, v.total_value_base
having coalesce(sum(p.market_value_base), 0) <> v.total_value_base
