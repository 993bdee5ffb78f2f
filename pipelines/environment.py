"""The environment, parsed once into a closed type.

Belongs here: every environment variable that the platform reads. Does not belong here: tenants and feeds (their YAML).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator
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

    @model_validator(mode="after")
    def _production_has_a_server(self) -> Self:
        if self.deployment == "production" and not self.database_url:
            raise ValueError("NEXUS_DEPLOYMENT=production needs DATABASE_URL: the embedded server is for one machine")
        return self

    @property
    def lake_root(self) -> str:
        """Root of the lake."""
        return self.lake or str(self.home / "lake")

    @property
    def dagster_home(self) -> Path:
        """Folder of the orchestrator's own storage."""
        return self.home / "dagster"


def environment_faults(error: ValidationError) -> str:
    """What is wrong with which variable, in a sentence; never a value, which may be a password."""
    return "; ".join(_fault(fault["loc"], fault["msg"]) for fault in error.errors(include_url=False))


def _fault(location: tuple[int | str, ...], message: str) -> str:
    if not location:
        return message.removeprefix("Value error, ")
    name = str(location[0])
    variable = name if name.isupper() else f"NEXUS_{name.upper()}"
    return f"{variable}: {message[:1].lower()}{message[1:]}"
