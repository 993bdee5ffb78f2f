-- A file is read again when its parser changes; the reading by the newest parser holds.
select distinct on (tenant_key, source_file_id)
    tenant_key,
    source_file_id,
    parser_version,
    connection_id,
    logical_name,
    parse_status,
    record_count,
    parsed_count,
    quarantined_count,
    known_at
from {{ ref('stg_landing__file_parse') }}
order by tenant_key, source_file_id, parser_version desc
