"""What is asked of a service, as data: a vendor's adapter states it, a transport carries it out.

An extraction lands as one raw file. Without paging the file is the answer's body, byte for byte. With paging it holds
one page per line: each page is a JSON document, whose line breaks (JSON has them between tokens only) become spaces;
every other byte is as received. ``Content-Encoding`` is undone in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

from connectors.connection import Connection


@dataclass(frozen=True)
class CursorPaging:
    """Each page names the next one by a mark. The last one names none.

    Attributes:
        parameter: under which the mark is sent.
        field: where the page holds it (RFC 6901), or None.
        header: the answer's header that holds it, or None.
        place: where it is sent: among the query's parameters or at the top of the JSON body.
    """

    parameter: str
    field: str | None = None
    header: str | None = None
    place: Literal["query", "body"] = "query"


@dataclass(frozen=True)
class OffsetPaging:
    """Pages are asked for by the number of the first item; the next one follows on the items that really came.

    Attributes:
        limit: items that a page is to have.
        items: where a page holds its array of items ('' for the page itself).
        total: where a page states how many items there are in all.
        offset_parameter, limit_parameter: names of the parameters.
        place: as in ``CursorPaging``.
    """

    limit: int
    items: str
    total: str
    offset_parameter: str = "offset"
    limit_parameter: str = "limit"
    place: Literal["query", "body"] = "query"


@dataclass(frozen=True)
class LinkPaging:
    """Each page holds the address of the next one, on the same server.

    Attributes:
        field: where (such as /@odata.nextlink); None: in the Link header with rel="next" (RFC 8288).
    """

    field: str | None = None


Paging = CursorPaging | OffsetPaging | LinkPaging


@dataclass(frozen=True)
class Job:
    """The answer names a job whose result is fetched once it is done. ``{job}`` in a path stands for its id.

    Attributes:
        id_field: where the answer holds the id.
        result_path: where the result is, relative to the base address; it may have a query.
        status_path: where the job's status is; None: the result answers 202 until it is there.
        status_field: where the status answer holds the status.
        done, failed: values of it; any other means: wait.
    """

    id_field: str
    result_path: str
    status_path: str | None = None
    status_field: str = "/status"
    done: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Extraction:
    """One thing to ask a REST service for.

    A 202 answer is waited for: at its ``Location`` where it names one, else (of a GET) at the same address.

    Attributes:
        name: of the file that it lands as; the same for the same day's data, always.
        path: relative to the connection's base address.
        method: GET or POST.
        query: parameters.
        body: JSON body of a POST.
        headers: beyond the connection's own.
        accept: the type that is asked for.
        content_types: the types that are taken; empty: any.
        paging: None for one answer.
        job: None where the answer is the data.
        poll_seconds: between two looks at something unfinished, where the service says nothing.
        patience_seconds: after which an unfinished one is left for the next visit.
        max_pages: bound.
        max_bytes: bound on the file, beside the connection's ``max_file_bytes``.
        absent_statuses: answers that mean that the data are not there yet, such as 404.
    """

    name: str
    path: str
    method: Literal["GET", "POST"] = "GET"
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: str = "application/json"
    content_types: tuple[str, ...] = ("application/json",)
    paging: Paging | None = None
    job: Job | None = None
    poll_seconds: float = 5.0
    patience_seconds: float = 1200.0
    max_pages: int = 1000
    max_bytes: int | None = None
    absent_statuses: frozenset[int] = frozenset()


@dataclass(frozen=True)
class SoapCall:
    """One operation of a SOAP service; the envelope of its answer lands byte for byte.

    Attributes:
        name: of the file that it lands as.
        wsdl: the service's WSDL in the repository; what it imports lies in the same folder.
        operation: of the WSDL's first service and port.
        parameters: of the operation.
    """

    name: str
    wsdl: Path
    operation: str
    parameters: Mapping[str, object] = field(default_factory=dict)


Request = Extraction | SoapCall
Requests = Callable[[Connection, date], Sequence[Request]]
"""What an adapter offers as ``Adapter.extractions``: what to ask for a day. Pure; nothing for a day without data."""
