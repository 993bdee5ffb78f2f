-- Linear in the accounts, whatever the planner believes of the tables' sizes: each account is looked up on the tenant's
-- last published day, which is one row of one partition, and only an account that is not there is looked up in all of
-- its history. Where both lookups find a row, it is the same one. The last days are found once, for a reader who asks
-- for one account after the other too.
with last_day as materialized (
    select tenant_key, max(as_of_date) as as_of_date
    from {{ source('ops', 'current_publication') }}
    group by tenant_key
)

select
    a.tenant_key,
    a.account_key,
    a.account_id,
    a.custodian,
    a.account_number,
    a.account_name,
    a.account_status,
    l.as_of_date,
    l.base_currency,
    l.total_value_base,
    l.cash_value_base,
    l.gain_base,
    l.daily_return,
    l.linked_return,
    l.return_reason,
    l.position_count,
    l.unvalued_count,
    l.stale_count,
    l.readiness,
    l.readiness_reasons,
    l.known_from,
    l.methodology_version
from {{ ref('dim_account') }} as a
inner join last_day as d on d.tenant_key = a.tenant_key
cross join lateral (
    select either.*
    from (
        (
            select v.*
            from {{ ref('fct_account_valuation_daily') }} as v
            where v.tenant_key = a.tenant_key and v.account_key = a.account_key and v.as_of_date = d.as_of_date
        )
        union all
        (
            select v.*
            from {{ ref('fct_account_valuation_daily') }} as v
            where v.tenant_key = a.tenant_key and v.account_key = a.account_key
            order by v.as_of_date desc
            limit 1
        )
    ) as either
    limit 1
) as l
