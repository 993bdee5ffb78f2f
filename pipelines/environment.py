"""The environment, parsed once into a closed type.

Belongs here: every environment variable that the platform reads. Does not belong here: tenants and feeds (their YAML).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent


class Environment(BaseSettings):
    """Settings of one installation, each from ``NEXUS_<NAME>`` (``DATABASE_URL`` without prefix).

    Attributes:
        home: folder of settings, secrets, locks, and by default of the lake and the embedded server.
        lake: root of the lake, a path or ``s3://``; empty: ``home/lake``.
        deployment: local, or production (then ``DATABASE_URL`` is required).
        api_port, ui_port: where ``nexus up`` serves.
    """

    model_config = SettingsConfigDict(env_prefix="NEXUS_", frozen=True, extra="ignore")

    home: Path = REPOSITORY / ".nexus"
    lake: str = ""
    deployment: Literal["local", "production"] = "local"
    api_port: int = Field(default=8000, ge=1, le=65535)
    ui_port: int = Field(default=3000, ge=1, le=65535)
    database_url: str = Field(default="", validation_alias="DATABASE_URL")

    @property
    def lake_root(self) -> str:
        """Root of the lake."""
        return self.lake or str(self.home / "lake")

    @property
    def dagster_home(self) -> Path:
        """Folder of the orchestrator's own storage."""
        return self.home / "dagster"
