select
    tenant_key,
    tenant_id::text as tenant_id,
    slug as tenant_slug,
    name as tenant_name,
    base_currency as reporting_currency,
    created_at
from {{ ref('stg_core__tenants') }}
