"""What DataScope Select is asked for a day: on-demand extractions with notes, as data; pure.

The universe is the firm's own table (``codes: {universe: ...}`` of the connection): identifier, identifier_type (Ric,
Isin, Cusip, Sedol) and asset_class (security, index, currency).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from connectors.connection import Connection
from connectors.market_data.lseg.tables import UNIVERSE
from connectors.transport.extraction import Extraction, LinkPaging, Request

NEXT_PAGE: Final = "/@odata.nextlink"
PATH: Final = "Extractions/ExtractWithNotes"
MAX_INSTRUMENTS: Final = 10_000
_NAMESPACE: Final = "#DataScope.Select.Api.Extractions.ExtractionRequests"
PRICE_FIELDS: Final = (
    "RIC", "ISIN", "CUSIP", "SEDOL", "Trade Date", "Universal Close Price", "Mid Price", "Currency Code",
)  # fmt: skip
TERMS_FIELDS: Final = (
    "RIC", "ISIN", "CUSIP", "SEDOL", "Security Description", "Asset Type", "Currency Code", "Maturity Date",
    "Coupon Rate", "Current Pool Factor", "Country of Issuance",
)  # fmt: skip
ACTION_FIELDS: Final = (
    "RIC", "ISIN", "CUSIP", "SEDOL", "Corporate Action ID", "Corporate Action Type", "Announcement Date",
    "Effective Date", "Dividend Ex Date", "Dividend Record Date", "Dividend Pay Date", "Dividend Rate",
    "Dividend Currency", "Terms New Shares", "Terms Old Shares", "Corporate Action Status",
)  # fmt: skip


def extractions(connection: Connection, day: date) -> Sequence[Request]:
    """The day's extractions: closing prices, terms and conditions, and corporate actions; none without a universe.

    A universe of more than 10 000 instruments is asked for in parts, each a file of its own.
    """
    universe = UNIVERSE.rows(connection.codes.get(UNIVERSE.name))
    everything = [(name, row["identifier_type"] or "Ric") for name, row in universe.items()]
    listed = [
        (name, row["identifier_type"] or "Ric") for name, row in universe.items() if row["asset_class"] != "currency"
    ]
    paid = [(name, kind) for name, kind in listed if universe[name]["asset_class"] != "index"]
    stamp = f"{day:%Y-%m-%d}"
    days = {"QueryStartDate": f"{stamp}T00:00:00.000Z", "QueryEndDate": f"{stamp}T23:59:59.999Z"}
    wanted: list[tuple[str, str, Sequence[str], list[tuple[str, str]], Mapping[str, object] | None]] = [
        # End-of-day pricing gives the newest day whenever it is asked; a history gives the day that is asked for.
        ("eod_prices", "PriceHistory", PRICE_FIELDS, everything, {"AdjustedPrices": False, **days}),
        ("terms", "TermsAndConditions", TERMS_FIELDS, listed, None),
        ("corporate_actions", "CorporateActionsStandard", ACTION_FIELDS, paid, {**_ACTIONS, **days}),
    ]
    return [
        _extraction(f"{name}_{day:%Y%m%d}{part}.json", kind, fields, instruments, condition)
        for name, kind, fields, all_instruments, condition in wanted
        for part, instruments in _parts(all_instruments)
    ]


_ACTIONS: Final[Mapping[str, object]] = {
    "ReportDateRangeType": "Range",
    "CorporateActionsDividendsType": "DividendAnnouncementDate",
}


def _parts(instruments: list[tuple[str, str]]) -> list[tuple[str, list[tuple[str, str]]]]:
    chunks = [instruments[at : at + MAX_INSTRUMENTS] for at in range(0, len(instruments), MAX_INSTRUMENTS)]
    return [(f"_{number}" if number > 1 else "", chunk) for number, chunk in enumerate(chunks, 1)]


def _extraction(
    name: str,
    kind: str,
    fields: Sequence[str],
    instruments: list[tuple[str, str]],
    condition: Mapping[str, object] | None,
) -> Extraction:
    asked: dict[str, Any] = {
        "@odata.type": f"{_NAMESPACE}.{kind}ExtractionRequest",
        "ContentFieldNames": list(fields),
        "IdentifierList": {
            "@odata.type": f"{_NAMESPACE}.InstrumentIdentifierList",
            "InstrumentIdentifiers": [{"Identifier": text, "IdentifierType": scheme} for text, scheme in instruments],
            "ValidationOptions": {"AllowHistoricalInstruments": True},
            "UseUserPreferencesForValidationOptions": False,
        },
        "Condition": dict(condition) if condition is not None else None,
    }
    return Extraction(
        name=name,
        path=PATH,
        method="POST",
        body={"ExtractionRequest": asked},
        headers={"Prefer": "respond-async, wait=5"},
        paging=LinkPaging(NEXT_PAGE),
    )
