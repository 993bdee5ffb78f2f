-- Nothing is lost between a file's records, the rows taken and the rows in quarantine.
select
    tenant_key,
    source_file_id,
    record_count,
    parsed_count,
    quarantined_count
from {{ ref('int_file_reading') }}
where record_count <> parsed_count + quarantined_count
