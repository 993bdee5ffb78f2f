select
    security_key,
    security_id,
    security_name,
    security_type,
    asset_class,
    currency,
    price_factor,
    multiplier,
    business_date,
    known_at
from {{ source('core', 'securities') }}
