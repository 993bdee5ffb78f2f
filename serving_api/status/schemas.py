"""The state of a tenant's data as the API shows it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field

from contracts.generated.marts import DimTenant, FctFeedReadiness
from serving_api.fields import of


class Health(BaseModel):
    """The process is well."""

    status: Literal["ok"] = Field(description="Always `ok`: a process that is not well answers with a problem.")


class FeedStatus(BaseModel):
    """One kind of file of one connection on the latest published day."""

    connection_id: str = of(FctFeedReadiness, "connection_id")
    data_type: str = of(FctFeedReadiness, "data_type")
    as_of_date: date = of(FctFeedReadiness, "as_of_date")
    readiness: str = of(FctFeedReadiness, "readiness")
    readiness_reasons: str | None = of(FctFeedReadiness, "readiness_reasons")


class Status(BaseModel):
    """What is published, what arrived, what is held back, what disagrees. Counts the tenant's own feeds alone."""

    tenant: str = of(DimTenant, "tenant_slug")
    latest_as_of_date: date | None = Field(description="Latest published business day; null before the first.")
    published_at: datetime | None = Field(description="When that day's figures became visible.")
    known_at: datetime | None = Field(description="What arrived until then is in the figures of that day.")
    account_count: int = Field(description="Accounts that a custodian has described.")
    provisional_account_count: int = Field(description="Accounts whose latest figure is not complete.")
    files_landed: int = Field(description="Deliveries that brought new bytes, since the beginning.")
    last_received_at: datetime | None = Field(description="When the last delivery came in; null before the first.")
    quarantined_row_count: int = Field(description="Records and files that were held back, since the beginning.")
    open_break_count: int = Field(description="Holdings that disagree with the custodian on the latest published day.")
    feeds: list[FeedStatus] = Field(description="Readiness of each feed on the latest published day.")
