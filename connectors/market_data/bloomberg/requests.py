"""Data License requests: what a firm asks for, as text; pure. Whoever delivers it puts it on Bloomberg's server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Final

from connectors.market_data.bloomberg.envelope import PROGRAMS, read_envelope

MAX_OVERRIDES: Final = 20
ID_TYPES: Final = ("", "BB_GLOBAL", "BB_UNIQUE", "CUSIP", "ISIN", "SEDOL", "TICKER")
PRICE_FIELDS: Final = (
    "PX_LAST", "PX_CLOSE_DT", "CRNCY", "ID_BB_GLOBAL", "ID_BB_UNIQUE", "ID_CUSIP", "ID_ISIN", "ID_SEDOL1",
    "PARSEKYABLE_DES",
)  # fmt: skip
"""What a reply of prices needs, so that every price has its day, its currency and an identity that lasts."""
REFERENCE_FIELDS: Final = (
    *PRICE_FIELDS[2:], "NAME", "SECURITY_DES", "SECURITY_TYP2", "MATURITY", "CPN", "MTG_FACTOR", "COUNTRY_ISO",
)  # fmt: skip

_LINE_ENDS: Final = "\r\n"
_FORBIDDEN: Final = f"{_LINE_ENDS}|"


@dataclass(frozen=True)
class Instrument:
    """A security that is asked for.

    Attributes:
        identifier: such as ``BRK/B US Equity``, ``91282CKY     Govt`` or a FIGI.
        id_type: what it is (``ID_TYPES``); empty for a ticker with its yellow key.
    """

    identifier: str
    id_type: str = ""


@dataclass(frozen=True)
class DataRequest:
    """A request.

    Attributes:
        options: header lines in order, PROGRAMNAME among them unless it is getdata.
        fields: mnemonics in order.
        universe: securities in order.
    """

    options: Mapping[str, str]
    fields: Sequence[str]
    universe: Sequence[Instrument] = field(default_factory=tuple)


def daily_request(
    firm: str, day: date, reply: str, fields: Sequence[str], universe: Sequence[Instrument], *, program: str = "getdata"
) -> DataRequest:
    """A request as this connector wants it: dates as yyyymmdd, closing values, and a reply named for its day.

    Args:
        firm: FIRMNAME that Bloomberg gave, such as dl12345.
        day: whose data they are; it stands in the reply's name and is the range of a history or of events.
        reply: first part of the reply's name: prices, reference, fx, actions or history.
        fields: mnemonics.
        universe: securities.
        program: getdata, gethistory or getactions.

    Raises:
        ValueError: a program that this connector does not read.
    """
    if program not in PROGRAMS:
        raise ValueError(f"{program}: not one of {', '.join(PROGRAMS)}")
    options = {
        "FIRMNAME": firm, "PROGRAMNAME": program, "PROGRAMFLAG": "adhoc", "REPLYFILENAME": f"{reply}_{day:%Y%m%d}.out",
        "DELIMITER": "|", "DATEFORMAT": "yyyymmdd",
    }  # fmt: skip
    if program == "getdata":
        options |= {"SECMASTER": "yes", "CLOSINGVALUES": "yes", "DERIVED": "yes"}
    else:
        options["DATERANGE"] = f"{day:%Y%m%d}|{day:%Y%m%d}"
    if program == "gethistory":
        options["HIST_FORMAT"] = "horizontal"
    return DataRequest(options, tuple(fields), tuple(universe))


def request_text(request: DataRequest) -> str:
    """The request as the file that Bloomberg takes: ASCII, line feeds, a blank line between blocks.

    Raises:
        ValueError: a text that would break the file, an unknown kind of identifier, too many overrides, or nothing
            to ask for.
    """
    if not request.universe:
        raise ValueError("a request needs at least one security")
    overrides = [name for name in request.options if name.startswith("OVERRIDE")]
    if len(overrides) > MAX_OVERRIDES:
        raise ValueError(f"{len(overrides)} overrides; Bloomberg takes {MAX_OVERRIDES}")
    lines = ["START-OF-FILE", *(f"{name}={_sound(told, _LINE_ENDS)}" for name, told in request.options.items()), ""]
    if request.fields:
        lines += ["START-OF-FIELDS", *(_sound(name, _FORBIDDEN) for name in request.fields), "END-OF-FIELDS", ""]
    lines += ["START-OF-DATA", *(_line(asked) for asked in request.universe), "END-OF-DATA", "", "END-OF-FILE", ""]
    return "\n".join(lines)


def read_request(path: Path) -> DataRequest:
    """A request file as what it asks for.

    Raises:
        FeedFault: as ``connectors.market_data.bloomberg.envelope.read_envelope``.
    """
    envelope = read_envelope(path)
    delimiter = envelope.delimiter
    universe = [
        Instrument(identifier.strip(" "), id_type.strip(" "))
        for section in envelope.sections
        for identifier, _, id_type in (text.partition(delimiter) for text in section.records["text"])
    ]
    fields = [name for section in envelope.sections for name in section.fields]
    return DataRequest(envelope.options, tuple(dict.fromkeys(fields)), tuple(universe))


def _line(asked: Instrument) -> str:
    if asked.id_type not in ID_TYPES:
        raise ValueError(f"{asked.id_type}: not one of {', '.join(ID_TYPES[1:])}")
    text = _sound(asked.identifier, _FORBIDDEN)
    return f"{text}|{asked.id_type}" if asked.id_type else text


def _sound(text: str, forbidden: str) -> str:
    if not text.strip() or not text.isascii() or any(char in text for char in forbidden):
        raise ValueError("a text of the request is blank, not ASCII, or holds a line end or a delimiter")
    return text
