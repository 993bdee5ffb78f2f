"""From one page to the request for the next: pure, and sure to end."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import httpx
import orjson

from connectors.errors import PermanentError, RetryableError
from connectors.transport.base import FileNotTaken
from connectors.transport.extraction import CursorPaging, LinkPaging, OffsetPaging, Paging
from connectors.transport.http_client import Answer, Call, linked
from connectors.transport.pointer import pointed

_LINK: Final = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_REL: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


@dataclass(frozen=True)
class Place:
    """How far a walk over pages has come.

    Attributes:
        call: the request for the page.
        offset: items before it.
        total: items in all, as the first page stated them.
    """

    call: Call
    offset: int = 0
    total: int | None = None


def first(call: Call, body: Mapping[str, object] | None, paging: Paging) -> Place:
    """The request for the first page."""
    if isinstance(paging, OffsetPaging):
        parameters = {paging.offset_parameter: 0, paging.limit_parameter: paging.limit}
        return Place(_with(call, body, paging.place, parameters))
    return Place(call)


def following(place: Place, body: Mapping[str, object] | None, paging: Paging, answer: Answer) -> Place | None:
    """The request for the page after this one, or None after the last.

    Raises:
        RetryableError: the page is not a JSON document.
        FileNotTaken: the number of items changed while they were read.
        PermanentError: the page does not hold what the paging needs, or leads to another server or to itself.
    """
    label = place.call.label
    page = document(label, answer.body)
    if isinstance(paging, OffsetPaging):
        return _after_items(place, body, paging, page)
    if isinstance(paging, CursorPaging):
        mark = answer.headers.get(paging.header) if paging.header else None
        mark = mark or (pointed(page, paging.field) if paging.field else None)
        if mark is None or mark == "":
            return None
        if isinstance(mark, bool) or not isinstance(mark, str | int):
            raise PermanentError(f"{label}: the mark of the next page is neither text nor a whole number")
        call = _with(place.call, body, paging.place, {paging.parameter: mark})
    else:
        link = _link(paging, page, answer)
        if not link:
            return None
        if not isinstance(link, str):
            raise PermanentError(f"{label}: the link to the next page is no text")
        call = replace(
            place.call, method="GET", content=None, url=linked(label, answer.url, link, "the link to the next page")
        )
    if (call.url, call.content) == (place.call.url, place.call.content):
        raise PermanentError(f"{label}: a page names itself as the next one")
    return replace(place, call=call)


def document(label: str, body: bytes) -> object:
    """A page as JSON.

    Raises:
        RetryableError: it is none.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RetryableError(f"{label}: the answer is not a JSON document") from None


def line(body: bytes) -> bytes:
    """A JSON document as one line of a file: its line breaks, which stand between tokens only, become spaces."""
    return body.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n"


def _after_items(place: Place, body: Mapping[str, object] | None, paging: OffsetPaging, page: object) -> Place | None:
    label = place.call.label
    total, items = pointed(page, paging.total), pointed(page, paging.items)
    if isinstance(total, bool) or not isinstance(total, int) or not isinstance(items, list):
        raise PermanentError(f"{label}: a page does not state its items and their number")
    if place.total not in (None, total):
        raise FileNotTaken(f"{label}: the number of items changed while the pages were read")
    offset = place.offset + len(items)
    if offset >= total:
        return None
    if not items:
        raise FileNotTaken(f"{label}: {offset} items came of {total}")
    parameters = {paging.offset_parameter: offset, paging.limit_parameter: paging.limit}
    return Place(_with(place.call, body, paging.place, parameters), offset, total)


def _link(paging: LinkPaging, page: object, answer: Answer) -> object | None:
    if paging.field is not None:
        return pointed(page, paging.field)
    for address, parameters in _LINK.findall(answer.headers.get("link", "")):
        relations = _REL.search(parameters)
        if relations and "next" in (relations[1] or relations[2] or "").lower().split():
            return str(address)
    return None


def _with(
    call: Call, body: Mapping[str, object] | None, place: Literal["query", "body"], parameters: Mapping[str, str | int]
) -> Call:
    if place == "body":
        return replace(call, content=json.dumps({**(body or {}), **parameters}).encode())
    return replace(call, url=call.url.copy_merge_params(httpx.QueryParams(dict(parameters))))
