-- Rendered by tools/render_contracts.py from contracts/; change the contract instead.
select
    tenant_key,
    security_key,
    source_file_id,
    source_line,
    security_id,
    security_name,
    security_type,
    asset_class,
    currency,
    price_factor,
    multiplier,
    maturity_date,
    coupon_percent,
    pool_factor,
    issue_country,
    adapter,
    business_date,
    known_at
from {{ source('canonical', 'security') }}
