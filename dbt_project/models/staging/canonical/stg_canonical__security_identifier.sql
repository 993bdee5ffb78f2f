-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    scheme,
    identifier,
    security_key,
    valid_from,
    valid_to,
    security_id,
    known_at,
    source_file_id,
    source_line
from {{ source('canonical', 'security_identifier') }}
