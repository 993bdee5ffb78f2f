-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    source_file_id,
    parser_version,
    connection_id,
    adapter,
    file_kind,
    logical_name,
    business_date,
    parse_status,
    is_refresh,
    record_count,
    parsed_count,
    quarantined_count,
    first_effective_date,
    last_effective_date,
    known_at
from {{ source('landing', 'file_parse') }}
