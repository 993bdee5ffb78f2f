select
    scheme,
    identifier,
    security_key,
    valid_from,
    valid_to,
    known_at
from {{ source('core', 'security_identifiers') }}
