"""Settings of the API, parsed once from the environment."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """What the API needs to know.

    Attributes:
        database_url: PostgreSQL as the role ``nexus_api`` (``NEXUS_API_DATABASE_URL``).
        lake_root: root of the lake, for the trace alone (``NEXUS_API_LAKE_ROOT``); empty: the trace answers 503.
        pool_size: connections at most.
        statement_timeout_ms: bound on one query.
    """

    model_config = SettingsConfigDict(env_prefix="NEXUS_API_", frozen=True, extra="ignore")

    database_url: str
    lake_root: str = ""
    pool_size: int = Field(default=8, ge=1, le=200)
    statement_timeout_ms: int = Field(default=10_000, ge=100, le=600_000)
