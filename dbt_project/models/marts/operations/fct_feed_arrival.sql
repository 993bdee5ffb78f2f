select
    a.tenant_key,
    a.connection_id,
    a.remote_path,
    a.received_at,
    a.adapter,
    a.file_kind,
    a.logical_name,
    a.business_date,
    a.source_file_id,
    a.size_bytes,
    a.arrival_status,
    r.parse_status,
    r.record_count,
    r.parsed_count,
    r.quarantined_count
from {{ ref('stg_landing__file_arrival') }} as a
left join {{ ref('int_file_reading') }} as r
    on r.tenant_key = a.tenant_key and r.source_file_id = a.source_file_id
