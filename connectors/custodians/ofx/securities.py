"""The security list of an OFX document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from connectors.custodians.ofx.codes import Codes
from connectors.custodians.ofx.identifiers import security_ids
from connectors.custodians.ofx.records import QUANTITY_SCALE, ZERO, Record, Row

_NAME_CHARACTERS: Final = 255
_PERCENT_OF_PAR: Final = Decimal("0.01")
_SHARES_PER_CONTRACT: Final = Decimal(100)
Identity = tuple[str, str]


def identity(row: Row) -> Identity:
    """Scheme and value of the identifier by which a feed row names its security."""
    for scheme in ("cusip", "isin", "sedol", "provider_security_id"):
        if value := row[scheme]:
            return scheme, str(value)
    return "", ""


def security_row(
    record: Record,
    codes: Codes,
    scope: str,
    *,
    currencies: Mapping[Identity, str],
    default_currency: str,
    business_date: date,
) -> Row:
    """The row of ``contracts.feed.FeedSecurity`` of one entry of SECLIST.

    Args:
        record: the entry, such as STOCKINFO.
        codes: the code table.
        scope: the broker's id, for its own security codes.
        currencies: the currency in which the document's positions and trades state each security.
        default_currency: for a security that says none and is not in ``currencies``.
        business_date: the document's day.
    """
    kind = codes.meanings.get((record.element.tag, ""))
    if kind is None:
        record.refuse("unknown_code", record.element.tag, "not a kind of security that is known; add it to codes.csv")
        return {}
    security_type, _, asset_class = kind.partition("/")
    info = record.part(record.element, "SECINFO")
    ids = security_ids(record, info, scope)
    stated = next((r.fields["ASSETCLASS"].upper() for r in (record.element, info) if r.fields.get("ASSETCLASS")), "")
    if stated:
        known = codes.meanings.get(("SECINFO", stated))
        if known is None:
            record.refuse("unknown_code", "ASSETCLASS", "an asset class that is not known; add it to codes.csv")
        elif security_type != "option":
            asset_class = known
            security_type = "money_market" if stated == "MONEYMRKT" else security_type
    multiplier = Decimal(1)
    if security_type == "option":
        multiplier = record.optional_number(record.element, "SHPERCTRCT", QUANTITY_SCALE) or _SHARES_PER_CONTRACT
        if multiplier <= ZERO:
            record.refuse("number_out_of_range", "SHPERCTRCT", "shares per contract must be positive")
    ids["ticker"] = record.text(info, "TICKER", longest=64) or None
    return {
        "source_line": record.line,
        **ids,
        "security_name": record.text(info, "SECNAME", is_required=True, longest=65_536)[:_NAME_CHARACTERS],
        "security_type": security_type,
        "asset_class": asset_class,
        "currency": record.currency(info, currencies.get(identity({**ids}), default_currency)),
        "price_factor": _PERCENT_OF_PAR if security_type == "bond" else Decimal(1),
        "multiplier": multiplier,
        "business_date": business_date,
    }
