"""The tree of an OFX document: its elements, and references to characters in their texts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Final

AGGREGATES: Final = frozenset({
    "OFX", "SIGNONMSGSRSV1", "SONRS", "STATUS", "FI", "BANKMSGSRSV1", "STMTTRNRS", "STMTRS", "BANKACCTFROM",
    "BANKACCTTO", "BANKTRANLIST", "STMTTRN", "LEDGERBAL", "AVAILBAL", "CREDITCARDMSGSRSV1", "CCSTMTTRNRS",
    "CCSTMTRS", "CCACCTFROM", "CCACCTTO", "INVSTMTMSGSRSV1", "INVSTMTTRNRS", "INVSTMTRS", "INVACCTFROM",
    "INVACCTTO", "INVTRANLIST", "INVTRAN", "INVBUY", "INVSELL", "BUYDEBT", "BUYMF", "BUYOPT", "BUYOTHER",
    "BUYSTOCK", "SELLDEBT", "SELLMF", "SELLOPT", "SELLOTHER", "SELLSTOCK", "INCOME", "INVEXPENSE", "JRNLFUND",
    "JRNLSEC", "MARGININTEREST", "REINVEST", "RETOFCAP", "SPLIT", "TRANSFER", "CLOSUREOPT", "INVBANKTRAN",
    "INVPOSLIST", "POSDEBT", "POSMF", "POSOPT", "POSOTHER", "POSSTOCK", "INVPOS", "SECID", "CURRENCY",
    "ORIGCURRENCY", "INVBAL", "BALLIST", "BAL", "INVOOLIST", "SECLISTMSGSRSV1", "SECLIST", "SECINFO", "STOCKINFO",
    "MFINFO", "DEBTINFO", "OPTINFO", "OTHERINFO",
})  # fmt: skip
"""Elements that hold elements. One of them left open is a fault; any other element left open is an empty leaf."""
LISTS: Final = frozenset({"INVTRANLIST", "BANKTRANLIST", "INVPOSLIST", "SECLIST"})
"""Aggregates that hold one record after another, many of them alike."""

_ENTITY = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6})|(amp|lt|gt|quot|apos|nbsp));")
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}


@dataclass(slots=True, eq=False)
class Element:
    """An aggregate: an element that holds others.

    Attributes:
        tag: its name, upper case.
        line: 1-based line of its start tag.
        start: offset of the start tag in the document's text.
        end: offset just after the end tag.
        fields: leaf elements by name, stripped, entities resolved; of leaves of one name the first.
        children: the aggregates inside, in order.
    """

    tag: str
    line: int
    start: int
    end: int = 0
    fields: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def child(self, tag: str) -> Element | None:
        """The first aggregate of that name directly inside, or None."""
        for child in self.children:
            if child.tag == tag:
                return child
        return None

    def opened(self) -> Element:
        """The element with what is inside it, for as long as the caller keeps it."""
        return self


def walk(element: Element, closed: Collection[str] = ()) -> Iterator[Element]:
    """The element and every aggregate below it, in document order; not what is inside those named in ``closed``."""
    waiting = [element]
    while waiting:
        current = waiting.pop()
        yield current
        if current.tag not in closed:
            waiting.extend(reversed(current.children))


def resolved(text: str) -> str:
    """The text with its references to characters resolved, stripped; an unknown one stays as it is.

    Raises:
        ValueError: a reference to a character that does not exist.
    """
    return _ENTITY.sub(_character, text).strip()


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return _NAMED[found[3]]
    code = int(found[1]) if found[1] else int(found[2], 16)
    if not (code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF):
        raise ValueError("a reference to a character that does not exist")
    return chr(code)
