-- Nearly every account is valued on the tenant's last published day, and one day is cheap to read; only the accounts
-- that are not are looked up one by one.
with last_day as (
    select tenant_key, max(as_of_date) as as_of_date
    from {{ source('ops', 'current_publication') }}
    group by tenant_key
),

on_last_day as (
    select v.*
    from {{ ref('fct_account_valuation_daily') }} as v
    inner join last_day as d on d.tenant_key = v.tenant_key and d.as_of_date = v.as_of_date
),

before as (
    select v.*
    from {{ ref('dim_account') }} as a
    cross join lateral (
        select f.*
        from {{ ref('fct_account_valuation_daily') }} as f
        where f.tenant_key = a.tenant_key and f.account_key = a.account_key
        order by f.as_of_date desc
        limit 1
    ) as v
    where
        not exists (
            select 1 from on_last_day as o where o.tenant_key = a.tenant_key and o.account_key = a.account_key
        )
),

latest as (
    select * from on_last_day
    union all
    select * from before
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
inner join latest as l on l.tenant_key = a.tenant_key and l.account_key = a.account_key
