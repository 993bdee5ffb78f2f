select
    tenant_key,
    connection_id,
    data_type,
    as_of_date,
    readiness,
    readiness_reasons,
    known_from,
    methodology_version,
    load_key
from {{ ref('stg_quality__feed_readiness') }}
