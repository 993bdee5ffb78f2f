-- The dimension reads the reference schema, which is kept in step with the custodians' descriptions.
select distinct
    a.tenant_key,
    a.account_key
from {{ ref('stg_canonical__account') }} as a
where
    not exists (
        select 1
        from {{ ref('dim_account') }} as d
        where d.tenant_key = a.tenant_key and d.account_key = a.account_key
    )
