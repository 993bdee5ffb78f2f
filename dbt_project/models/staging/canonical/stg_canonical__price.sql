-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    security_key,
    price_date,
    price_source,
    source_file_id,
    source_line,
    price,
    currency,
    known_at
from {{ source('canonical', 'price') }}
