"""The state of a tenant's data as the API shows it."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import BaseModel, Field


class FeedStatus(BaseModel):
    """One kind of file of one connection on the latest published day."""

    connection_id: str
    data_type: str
    as_of_date: date
    readiness: str
    readiness_reasons: str | None


class Status(BaseModel):
    """What is published, what arrived, what is held back, what disagrees."""

    tenant: str
    latest_as_of_date: date | None = Field(description="Latest published business day.")
    published_at: datetime | None
    known_at: datetime | None = Field(description="What arrived until then is in the published figures.")
    account_count: int
    provisional_account_count: int = Field(description="Accounts whose latest figure is not complete.")
    files_landed: int
    last_received_at: datetime | None
    quarantined_row_count: int
    open_break_count: int = Field(description="Positions that disagree with the custodian on the latest day.")
    feeds: list[FeedStatus]
