-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    base_code,
    quote_code,
    rate_date,
    rate_source,
    source_file_id,
    rate,
    known_at,
    source_line
from {{ source('canonical', 'fx_rate') }}
