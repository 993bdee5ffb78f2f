select
    tenant_key,
    source_file_id,
    source_line,
    reason,
    field_name,
    table_name,
    disposition,
    detail,
    connection_id,
    logical_name,
    business_date,
    known_at
from {{ ref('stg_quality__reject') }}
