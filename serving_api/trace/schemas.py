"""A trace as the API shows it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class TraceLine(BaseModel):
    """One canonical row that the figure rests on, with the line of the file that it was read from."""

    role: str = Field(description="opening, transaction, cancelled, price, fx or cash.")
    table_name: str
    values: dict[str, str]
    connection_id: str
    remote_path: str
    received_at: datetime | None
    sha256: str
    source_line: int = Field(description="1-based line of the file as received.")
    line_text: str | None


class Trace(BaseModel):
    """A published figure and everything that it came from."""

    figure: list[dict[str, str]]
    lines: list[TraceLine]
