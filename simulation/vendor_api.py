"""Vendors' REST services for demo and tests: DataScope Select and FactSet, answering from the simulated market.

    with serve(market, username="9000001", password="...") as server:
        ...  # server.dss_url, server.factset_url, server.token_url

Independent of the client that the platform uses. It behaves as the vendors document: a session token or Basic or a
bearer token, pages that link to the next, 202 until an answer is ready, batches with a status, error documents, and
every so often 429 with Retry-After. The same requests in the same order give the same answers.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

from simulation.market import Market
from simulation.writers import factset, lseg

HOST = "127.0.0.1"
DSS = "/dss/RestApi/v1"
FACTSET = "/factset"
TOKEN = "/oauth2/token"  # noqa: S105 (a path)
MAX_BODY = 8 * 1024**2
_PRICES = f"{FACTSET}/content/factset-global-prices/v1"
_BONDS = f"{FACTSET}/content/markit-bond-prices-and-analytics/v1"
_ONE_CALL = 1000
_RESULT = re.compile(r"/Extractions/ExtractWithNotesResult\(ExtractionId='(0x[0-9a-f]{1,16})'\)")


@dataclass(frozen=True)
class Asked:
    """A request; header names in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered."""

    status: int
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


class _Refusal(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class _Task:
    """An extraction or a batch: what it gives, and how often it will still say that it is not ready."""

    rows: Sequence[Any]
    notes: Sequence[str] = ()
    waits_left: int = 1


class VendorApi:
    """The services as a function of requests.

    Args:
        market: the truth.
        username, password: of every kind of credential.
        page_size: rows of a page.
        busy_every: every so many requests one is answered 429; 0 for never.
        url: under which the services are reached, for the links that they give.
    """

    def __init__(
        self, market: Market, username: str, password: str, *, page_size: int = 20, busy_every: int = 7, url: str = ""
    ) -> None:
        self._market, self._username, self._password = market, username, password
        self._page_size, self._busy_every = page_size, busy_every
        self.url = url
        self._tasks: dict[str, _Task] = {}
        self._lock = threading.Lock()
        self.asked: list[Asked] = []

    def answer(self, asked: Asked) -> Answer:
        """The answer to one request."""
        with self._lock:
            self.asked.append(asked)
            if self._busy_every and len(self.asked) % self._busy_every == 0:
                return _error(429, asked.path, "Too many requests", {"Retry-After": "1"})
            try:
                return self._routed(asked)
            except _Refusal as refusal:
                return refusal.answer

    def _routed(self, asked: Asked) -> Answer:
        if asked.path == TOKEN:
            return self._token(asked)
        if asked.path.startswith(DSS):
            return self._dss(asked, asked.path.removeprefix(DSS))
        if asked.path.startswith(FACTSET):
            return self._factset(asked)
        return _error(404, asked.path, "No such path")

    # --- credentials --------------------------------------------------------------------------------------------------

    @property
    def _secret(self) -> str:
        """The one token that every service gives."""
        return base64.urlsafe_b64encode(f"token of {self._username}".encode()).decode()

    def _token(self, asked: Asked) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(asked.body.decode("latin-1")).items()}
        shown = asked.headers.get("authorization") == self._basic(quoted=True)
        shown = shown or (form.get("client_id"), form.get("client_secret")) == (self._username, self._password)
        if not shown or form.get("grant_type") != "client_credentials":
            return _json(401, {"error": "invalid_client"})
        return _json(200, {"access_token": self._secret, "token_type": "Bearer", "expires_in": 900})

    def _basic(self, *, quoted: bool = False) -> str:
        """The header of Basic; of a client that asks for a token both parts are quoted as in a form (RFC 6749)."""
        parts = (self._username, self._password)
        shown = ":".join(quote_plus(part) for part in parts) if quoted else ":".join(parts)
        return "Basic " + base64.b64encode(shown.encode()).decode()

    # --- DataScope Select ---------------------------------------------------------------------------------------------

    def _dss(self, asked: Asked, path: str) -> Answer:
        if path == "/Authentication/RequestToken":
            told = _document(asked).get("Credentials", {})
            if (told.get("Username"), told.get("Password")) != (self._username, self._password):
                return _dss_error(401, "Invalid credentials")
            return _json(200, {"@odata.context": f"{self.url}{DSS}/$metadata#Edm.String", "value": self._secret})
        if asked.headers.get("authorization") != f"Token {self._secret}":
            return _dss_error(401, "Authentication token is invalid or expired")
        if path == "/Extractions/ExtractWithNotes" and asked.method == "POST":
            return self._extract(_document(asked))
        found = _RESULT.fullmatch(path)
        if found is None or found[1] not in self._tasks:
            return _dss_error(404, "No such extraction")
        return self._page(found[1], int(asked.query.get("$skiptoken", "0")))

    def _extract(self, document: Mapping[str, Any]) -> Answer:
        request = document.get("ExtractionRequest")
        if not isinstance(request, dict):
            return _dss_error(400, "Malformed request payload: ExtractionRequest")
        kind = str(request.get("@odata.type", "")).rpartition(".")[2]
        columns = [str(name) for name in request.get("ContentFieldNames", ())]
        asked = request.get("IdentifierList", {}).get("InstrumentIdentifiers", [])
        rows = self._rows(kind, request.get("Condition") or {})
        known = {code for code, _, _ in lseg.universe(self._market)}
        wanted = [str(one.get("Identifier")) for one in asked]
        contents = [
            {"IdentifierType": "Ric", "Identifier": row["RIC"], **{name: row.get(name) for name in columns}}
            for row in rows
            if row["RIC"] in set(wanted)
        ]
        notes = lseg.notes(self._market.days[0], len(contents))
        notes += [f"Identifier <Ric, {code}> not found." for code in wanted if code not in known]
        number = f"0x{len(self._tasks) + 1:04x}"
        self._tasks[number] = _Task(contents, notes)
        return Answer(202, headers={"Location": self._result(number)})

    def _rows(self, kind: str, condition: Mapping[str, Any]) -> list[lseg.Row]:
        if kind == "TermsAndConditionsExtractionRequest":
            return lseg.terms_rows(self._market)
        try:
            day = date.fromisoformat(str(condition["QueryStartDate"])[:10])
        except (KeyError, ValueError):
            raise _Refusal(_dss_error(400, "Malformed request payload: Condition")) from None
        if day not in self._market.days:
            return []
        if kind == "PriceHistoryExtractionRequest":
            return lseg.price_rows(self._market, day)
        if kind == "CorporateActionsStandardExtractionRequest":
            return lseg.action_rows(self._market, day)
        raise _Refusal(_dss_error(400, "Malformed request payload: @odata.type"))

    def _page(self, number: str, first: int) -> Answer:
        task = self._tasks[number]
        if task.waits_left:
            task.waits_left -= 1
            return Answer(202, headers={"Location": self._result(number)})
        last = first + self._page_size
        parts = [f'"@odata.context":"{self.url}{DSS}/$metadata"', f'"Contents":{lseg.json_rows(task.rows[first:last])}']
        if last < len(task.rows):
            parts.append(f'"@odata.nextlink":{json.dumps(f"{self._result(number)}?$skiptoken={last}")}')
        else:
            text = "\n".join(task.notes)
            parts.append(f'"Notes":[{json.dumps(text)}]')
        return Answer(200, ("{" + ",\n".join(parts) + "}").encode())

    def _result(self, number: str) -> str:
        return f"{self.url}{DSS}/Extractions/ExtractWithNotesResult(ExtractionId='{number}')"

    # --- FactSet ------------------------------------------------------------------------------------------------------

    def _factset(self, asked: Asked) -> Answer:
        if asked.headers.get("authorization") not in (self._basic(), f"Bearer {self._secret}"):
            return _error(401, asked.path, "Authentication failed")
        if "application/json" not in asked.headers.get("accept", ""):
            return _error(406, asked.path, "Accept must be application/json")
        if asked.path == f"{_PRICES}/batch-status":
            return self._batch_status(asked)
        if asked.path == f"{_PRICES}/batch-result":
            task = self._batch(asked)
            return Answer(200, factset.document(task.rows))
        services: Mapping[str, Callable[..., list[factset.Record]]] = {
            f"{_PRICES}/prices": factset.price_records,
            f"{_PRICES}/corporate-actions": factset.action_records,
            f"{_BONDS}/prices": factset.bond_records,
        }
        if asked.path not in services or asked.method != "POST":
            return _error(404, asked.path, "No such path")
        body = _document(asked)
        day, ids = self._wanted(asked, body)
        records = services[asked.path](self._market, day, ids) if day in self._market.days else []
        if body.get("batch") != "Y":
            return Answer(200, factset.document(records))
        number = f"b-{len(self._tasks) + 1}"
        self._tasks[number] = _Task(records)
        return _json(202, {"data": {"id": number, "status": "queued"}})

    def _wanted(self, asked: Asked, body: Mapping[str, Any]) -> tuple[date, set[str]]:
        ids = body.get("ids")
        if not isinstance(ids, list) or not ids:
            raise _Refusal(_error(400, asked.path, "ids are required"))
        if body.get("batch") != "Y" and len(ids) > _ONE_CALL:
            raise _Refusal(_error(400, asked.path, f"more than {_ONE_CALL} ids"))
        if asked.path == f"{_PRICES}/prices" and body.get("adjust") != "UNSPLIT":
            raise _Refusal(_error(400, asked.path, "the simulated market has prices as traded only"))
        try:
            return date.fromisoformat(str(body.get("startDate"))), {str(one) for one in ids}
        except ValueError:
            raise _Refusal(_error(400, asked.path, "startDate is no day")) from None

    def _batch(self, asked: Asked) -> _Task:
        task = self._tasks.get(asked.query.get("id", ""))
        if task is None:
            raise _Refusal(_error(404, asked.path, "no such batch"))
        return task

    def _batch_status(self, asked: Asked) -> Answer:
        task = self._batch(asked)
        is_done = task.waits_left == 0
        task.waits_left = max(0, task.waits_left - 1)
        return _json(200, {"data": {"id": asked.query["id"], "status": "created" if is_done else "executing"}})


def _document(asked: Asked) -> Mapping[str, Any]:
    try:
        found = json.loads(asked.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _Refusal(_error(400, asked.path, "the body is no JSON object"))
    return found


def _json(status: int, document: object) -> Answer:
    return Answer(status, json.dumps(document).encode())


def _error(status: int, path: str, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    told = {"status": str(status), "timestamp": "2022-01-03 22:30:00.000", "path": path, "message": message}
    return Answer(status, json.dumps({**told, "subErrors": None}).encode(), headers or {})


def _dss_error(status: int, message: str) -> Answer:
    return _json(status, {"error": {"code": "", "message": message}})


@dataclass(frozen=True)
class ServerInfo:
    """A running server.

    Attributes:
        url: of everything.
        api: what answers; ``api.asked`` lists the requests.
    """

    url: str
    api: VendorApi

    @property
    def dss_url(self) -> str:
        """Base address of DataScope Select."""
        return f"{self.url}{DSS}"

    @property
    def factset_url(self) -> str:
        """Base address of FactSet."""
        return f"{self.url}{FACTSET}"

    @property
    def token_url(self) -> str:
        """Where FactSet's clients get a bearer token."""
        return f"{self.url}{TOKEN}"


@contextmanager
def serve(market: Market, *, username: str, password: str, busy_every: int = 7, port: int = 0) -> Iterator[ServerInfo]:
    """Run the services on 127.0.0.1, in threads that end with the block. ``port`` 0 lets the system choose."""
    api = VendorApi(market, username, password, busy_every=busy_every)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            size = int(self.headers.get("Content-Length", 0))
            if size > MAX_BODY:
                self.close_connection = True
                self._give(_error(413, parts.path, "the body is too large"))
                return
            query = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._give(api.answer(Asked(self.command, parts.path, query, headers, self.rfile.read(size))))

        do_GET = do_POST = _serve  # noqa: N815 (names of the standard library)

        def _give(self, answer: Answer) -> None:
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json;charset=utf-8")
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, port), Handler)
    server.daemon_threads = True
    api.url = f"http://{HOST}:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, name="vendor-api", daemon=True)
    thread.start()
    try:
        yield ServerInfo(api.url, api)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
