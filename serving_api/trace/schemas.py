"""A trace as the API shows it."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from contracts.generated.marts import FctFeedArrival
from serving_api.fields import meaning, of


class TraceLine(BaseModel):
    """One canonical row that the figure rests on, with the line of the file that it was read from."""

    role: str = Field(
        description="What the row is to the figure: opening, transaction, cancelled, price, fx, or cash for an entry "
        "that moves cash."
    )
    table_name: str = Field(description="schema.table of the canonical row.")
    values: dict[str, str] = Field(description="The row's columns that matter here, as text; null ones are left out.")
    connection_id: str = of(FctFeedArrival, "connection_id")
    remote_path: str = of(FctFeedArrival, "remote_path")
    received_at: datetime | None = of(FctFeedArrival, "received_at")
    sha256: str = meaning("sha256")
    source_line: int = meaning("source_line")
    line_text: str | None = Field(description="The line as received, cut at 4000 bytes; null when it cannot be read.")


class Trace(BaseModel):
    """A published figure and everything that it came from."""

    figure: list[dict[str, str]] = Field(
        description="The computed rows as text, null columns left out: the position, or the valuation and then its "
        "positions, each with its security_id."
    )
    lines: list[TraceLine] = Field(description="Openings and transactions first, prices and rates last.")
