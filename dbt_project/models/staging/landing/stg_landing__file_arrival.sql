-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    connection_id,
    remote_path,
    received_at,
    adapter,
    file_kind,
    logical_name,
    business_date,
    source_file_id,
    sha256,
    size_bytes,
    remote_modified_at,
    arrival_status
from {{ source('landing', 'file_arrival') }}
