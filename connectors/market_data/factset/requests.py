"""What FactSet is asked for a day: prices as traded, evaluated bond prices and corporate actions, as data; pure.

The universe is the firm's own table (``codes: {universe: ...}`` of the connection): identifier, and asset_class equity,
index or bond.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from connectors.connection import Connection
from connectors.market_data.factset.tables import UNIVERSE
from connectors.transport.extraction import Extraction, Job, Request

PRICES: Final = "content/factset-global-prices/v1"
BONDS: Final = "content/markit-bond-prices-and-analytics/v1"
ONE_CALL: Final = 1000
"""Identifiers that one call for a single day may have."""
ONE_BATCH: Final = 2000
"""Identifiers that one batch may have."""


def extractions(connection: Connection, day: date) -> Sequence[Request]:
    """The day's extractions; none without a universe.

    Up to 1000 identifiers are one call; more go in batches of 2000, which are jobs with a status and a result. The
    body states every choice that changes figures: unadjusted prices in the listing's own currency.
    """
    rows = UNIVERSE.rows(connection.codes.get(UNIVERSE.name))
    traded = [name for name, row in rows.items() if row["asset_class"] != "bond"]
    bonds = [name for name, row in rows.items() if row["asset_class"] == "bond"]
    paid = [name for name, row in rows.items() if row["asset_class"] == "equity"]
    stamp, iso = f"{day:%Y%m%d}", day.isoformat()
    price_body = {
        "startDate": iso, "endDate": iso, "frequency": "D", "calendar": "FIVEDAY", "currency": "LOCAL",
        "adjust": "UNSPLIT", "fields": ["price"],
    }  # fmt: skip
    action_body = {"startDate": iso, "endDate": iso, "eventCategory": "ALL", "currency": "LOCAL"}
    bond_body = {"startDate": iso, "endDate": iso, "frequency": "D", "calendar": "FIVEDAY"}
    return [
        *_prices(f"prices_unsplit_{stamp}", "prices", traded, price_body),
        *_prices(f"corporate_actions_{stamp}", "corporate-actions", paid, action_body),
        *(
            Extraction(f"bond_prices_{stamp}{part}.json", f"{BONDS}/prices", "POST", body={"ids": ids, **bond_body})
            for part, ids in _parts(bonds, ONE_CALL)
        ),
    ]


def _prices(name: str, endpoint: str, ids: list[str], body: Mapping[str, object]) -> list[Request]:
    path = f"{PRICES}/{endpoint}"
    if len(ids) <= ONE_CALL:
        return [
            Extraction(f"{name}{part}.json", path, "POST", body={"ids": chunk, **body, "batch": "N"})
            for part, chunk in _parts(ids, ONE_CALL)
        ]
    job = Job(
        id_field="/data/id",
        result_path=f"{PRICES}/batch-result?id={{job}}",
        status_path=f"{PRICES}/batch-status?id={{job}}",
        status_field="/data/status",
        done=frozenset({"created"}),
        failed=frozenset({"failed"}),
    )
    return [
        Extraction(f"{name}{part}.json", path, "POST", body={"ids": chunk, **body, "batch": "Y"}, job=job)
        for part, chunk in _parts(ids, ONE_BATCH)
    ]


def _parts(ids: list[str], size: int) -> list[tuple[str, list[str]]]:
    chunks = [ids[at : at + size] for at in range(0, len(ids), size)]
    return [(f"_{number}" if number > 1 else "", chunk) for number, chunk in enumerate(chunks, 1)]
