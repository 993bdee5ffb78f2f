-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    connection_id,
    data_type,
    as_of_date,
    known_from,
    methodology_version,
    readiness,
    readiness_reasons,
    load_key
from {{ source('quality', 'feed_readiness_published') }}
