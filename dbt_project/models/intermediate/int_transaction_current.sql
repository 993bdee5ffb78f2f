-- Of each fact the last report, less those of a delivery that a later readable one replaces under the same name.
select distinct on (t.tenant_key, t.account_key, t.natural_key)
    t.tenant_key,
    t.account_key,
    t.natural_key,
    t.security_key,
    t.transaction_type,
    t.trade_date,
    t.settle_date,
    t.quantity,
    t.price,
    t.amount,
    t.currency,
    t.commission,
    t.fees,
    t.accrued_interest,
    t.tax_withheld,
    t.is_cancel,
    t.connection_id,
    t.known_at,
    t.source_file_id,
    t.source_line
from {{ ref('stg_canonical__transaction') }} as t
where
    not exists (
        select 1
        from {{ ref('int_file_reading') }} as newer
        where
            newer.tenant_key = t.tenant_key
            and newer.connection_id = t.connection_id
            and newer.logical_name = t.logical_name
            and newer.parse_status = 'parsed'
            and (newer.known_at, newer.source_file_id) > (t.known_at, t.source_file_id)
    )
order by t.tenant_key, t.account_key, t.natural_key, t.known_at desc, t.source_file_id desc
