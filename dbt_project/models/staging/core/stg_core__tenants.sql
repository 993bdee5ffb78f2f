select
    tenant_key,
    tenant_id,
    slug,
    name,
    base_currency,
    created_at
from {{ source('core', 'tenants') }}
