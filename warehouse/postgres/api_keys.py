"""Keys to the API: issued once, kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

import psycopg

from warehouse.postgres.errors import WarehouseError
from warehouse.postgres.sessions import connect

PREFIX: Final = "nxs_"
"""Marks a string as one of our keys, so that a scanner can find one that leaked."""

_RANDOM_BYTES: Final = 32


class UnknownTenantError(WarehouseError):
    """The tenant is not in ``core.tenants``."""


def api_key_digest(api_key: str) -> str:
    """SHA-256 of a key in hexadecimal: what is stored, and what ``core.tenant_of_api_key`` takes.

    A plain digest is enough: the key is 256 random bits, which no dictionary holds.
    """
    return hashlib.sha256(api_key.encode()).hexdigest()


def issue_api_key(url: str, tenant_key: int, label: str) -> str:
    """A new key for one tenant. It is returned this once and cannot be read back.

    Args:
        url: connection string.
        tenant_key: tenant whose data the key opens.
        label: what the key is for, up to 100 characters; several keys may carry the same.

    Raises:
        UnknownTenantError: there is no such tenant.
    """
    api_key = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    try:
        with connect(url) as connection:
            connection.execute(
                "INSERT INTO core.api_key (key_sha256, tenant_key, label) VALUES (%s, %s, %s)",
                [api_key_digest(api_key), tenant_key, label],
            )
    except psycopg.errors.ForeignKeyViolation:
        raise UnknownTenantError(f"no tenant with key {tenant_key}: run its first load before issuing keys") from None
    return api_key


def revoke_api_key(url: str, api_key: str) -> bool:
    """Ends a key for good; False when it is unknown or was revoked before."""
    with connect(url) as connection:
        done = connection.execute(
            "UPDATE core.api_key SET revoked_at = now() WHERE key_sha256 = %s AND revoked_at IS NULL",
            [api_key_digest(api_key)],
        )
        return done.rowcount == 1
