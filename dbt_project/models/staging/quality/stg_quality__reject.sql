-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
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
from {{ source('quality', 'reject') }}
