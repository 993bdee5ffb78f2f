-- Lateral, so that a reader who asks for a few securities reads the identifiers of those alone.
select
    s.security_key,
    s.security_id::text as security_id,
    s.security_name,
    s.security_type,
    s.asset_class,
    s.currency,
    i.cusip,
    i.isin,
    i.sedol,
    i.ticker,
    s.price_factor,
    s.multiplier
from {{ ref('stg_core__securities') }} as s
left join lateral (
    select
        (array_agg(n.identifier order by n.valid_from desc, n.known_at desc) filter (where n.scheme = 'CUSIP'))[1] as cusip,
        (array_agg(n.identifier order by n.valid_from desc, n.known_at desc) filter (where n.scheme = 'ISIN'))[1] as isin,
        (array_agg(n.identifier order by n.valid_from desc, n.known_at desc) filter (where n.scheme = 'SEDOL'))[1] as sedol,
        -- A ticker is scoped by the provider that issued it: 'provider:TICKER'.
        regexp_replace(
            (array_agg(n.identifier order by n.valid_from desc, n.known_at desc) filter (where n.scheme = 'TICKER'))[1],
            '^[^:]*:', ''
        ) as ticker
    from {{ ref('stg_core__security_identifiers') }} as n
    where n.security_key = s.security_key and n.valid_to is null
) as i on true
