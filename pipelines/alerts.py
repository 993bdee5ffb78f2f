"""Alerts: what a person must hear of without looking, each once.

An alert is a line in ``alerts.jsonl`` of the installation, a line of the log, and, where the environment names one, a
POST to a webhook. It holds names of connections, kinds of files and days, never client data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from assets.landing.punctuality import deliveries
from assets.workspace import Workspace
from connectors.errors import PermanentError, RetryableError
from connectors.transport.webhook import post_json
from contracts.table import SHARED_TENANT

FILE: Final = "alerts.jsonl"
WEBHOOK_REF: Final = "NEXUS_ALERT_WEBHOOK_REF"
"""Environment variable that names the secret which holds the webhook's address."""
LOOKBACK: Final = timedelta(days=7)
"""A file that is missing for longer is no news any more."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Alert:
    """A file that did not come by its cut-off, or came broken.

    Attributes:
        tenant: slug, or ``_shared``.
        connection_id: the tenant's name of the feed.
        data_type: kind of file.
        as_of_date: business day that it is of, ISO.
        state: missing or incomplete.
        due_at: its cut-off, UTC, ISO.
    """

    tenant: str
    connection_id: str
    data_type: str
    as_of_date: str
    state: str
    due_at: str

    @property
    def key(self) -> str:
        """What makes it the same alert."""
        return "/".join((self.tenant, self.connection_id, self.data_type, self.as_of_date, self.state))


def open_alerts(ws: Workspace, now: datetime) -> list[Alert]:
    """Every file of the last days that is missing past its cut-off or broken as a whole, of all tenants."""
    today: date = now.astimezone(UTC).date()
    found: list[Alert] = []
    for tenant in (*ws.tenant_names(), SHARED_TENANT):
        rows = deliveries(ws, tenant, ws.connections(tenant), today - LOOKBACK, today, now)
        for row in rows.iter_rows(named=True):
            if row["state"] in ("missing", "incomplete"):
                day, due = row["as_of_date"].isoformat(), row["due_at"].isoformat(timespec="minutes")
                found.append(Alert(tenant, row["connection_id"], row["data_type"], day, row["state"], due))
    return found


def raise_alerts(home: Path, alerts: Iterable[Alert], known: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Tell of the alerts that are not known yet; the keys of all that are open, with the instant of the telling.

    A webhook that does not answer stops nothing: the alert is tried again at the next call, for it is not yet known.
    """
    told: dict[str, str] = {}
    for alert in alerts:
        if alert.key in known:
            told[alert.key] = known[alert.key]
            continue
        at = now.astimezone(UTC).isoformat(timespec="seconds")
        if not _posted(home, alert):
            continue
        with (home / FILE).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"at": at, **asdict(alert)}) + "\n")
        log.warning("file_not_delivered", **asdict(alert))
        told[alert.key] = at
    return told


def recent_alerts(home: Path, limit: int) -> list[dict[str, str]]:
    """The last alerts raised, newest first."""
    path = home / FILE
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()[-limit:]
    return [json.loads(line) for line in reversed(lines)]


def _posted(home: Path, alert: Alert) -> bool:
    ref = os.environ.get(WEBHOOK_REF, "")
    if not ref:
        return True
    try:
        post_json(ref, home / "secrets", asdict(alert))
    except (RetryableError, PermanentError) as error:
        log.warning("webhook_failed", reason=str(error))
        return False
    return True
