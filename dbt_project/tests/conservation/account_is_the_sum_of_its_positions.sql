-- On loads that wait for publication: an account whose value is stated is worth what its positions are worth together
-- (both sides were rounded per position, so they agree to the last digit), it counts as many positions and as many
-- without a value as there are, and no position is outside a valued account. One pass over the positions for all three.
with positions as (
    select
        tenant_key,
        account_key,
        as_of_date,
        load_key,
        coalesce(sum(market_value_base), 0) as value_base,
        count(*) as position_count,
        count(*) filter (where market_value_base is null) as unvalued_count
    from {{ source('accounting', 'position_candidate') }}
    where value_reason is distinct from 'no_position'
    group by tenant_key, account_key, as_of_date, load_key
)

select
    tenant_key,
    account_key,
    as_of_date,
    load_key,
    v.base_currency is null as is_unvalued_account,
    v.total_value_base <> coalesce(p.value_base, 0) as is_value_different,
    v.position_count <> coalesce(p.position_count, 0) or v.unvalued_count <> coalesce(p.unvalued_count, 0)
        as is_count_different
from {{ source('accounting', 'account_valuation_candidate') }} as v
full join positions as p using (tenant_key, account_key, as_of_date, load_key)
where
    v.base_currency is null
    or v.total_value_base <> coalesce(p.value_base, 0)
    or v.position_count <> coalesce(p.position_count, 0)
    or v.unvalued_count <> coalesce(p.unvalued_count, 0)
