"""A REST service as a folder: what is due is its listing, a fetch asks for it and lands the answer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Final, Self
from urllib.parse import quote

import httpx

from connectors.connection import Connection
from connectors.errors import PermanentError
from connectors.services import RestTransport
from connectors.transport import paging
from connectors.transport.base import FileNotTaken, Listing, RemoteFile
from connectors.transport.clock import Clock, SystemClock
from connectors.transport.extraction import Extraction, Job, Paging
from connectors.transport.guard import retry_after, state_for
from connectors.transport.http_auth import Authorized
from connectors.transport.http_client import Answer, Call, HttpClient, linked
from connectors.transport.pointer import pointed
from connectors.transport.scheduled import Schedule, listing, request_for
from connectors.transport.staging import discard, part_path, publish

_MAX_JOB_ID: Final = 256


class RestFolder:
    """A ``Transport`` over the extractions that are due at a REST service."""

    def __init__(
        self, settings: RestTransport, schedule: Schedule, secrets_dir: Path, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._schedule = schedule
        self._secrets_dir = secrets_dir
        self._clock = clock or SystemClock()
        self._client: HttpClient | None = None

    def __enter__(self) -> Self:
        """Resolve the credentials. The service is not asked yet.

        Raises:
            PermanentError: a secret or ``ca_file`` cannot be used.
        """
        settings = self._settings
        state = state_for(state_key(self._schedule.connection, self._secrets_dir), settings.limits)
        self._client = HttpClient(settings.limits, settings.ca_file, state, self._clock)
        try:
            self._asker = Authorized(self._client, settings.auth, self._secrets_dir)
            self._asker.check()
        except BaseException:
            self._client.__exit__()
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.__exit__()

    def list_files(self) -> Listing:
        """The extractions that are due; see ``Schedule.due``. The service is not asked."""
        return listing(self._schedule.due(self._settings, self._clock.now()))

    def fetch(self, remote: RemoteFile, destination: Path) -> None:
        """Carry out the extraction that ``remote`` stands for; see ``Transport.fetch``.

        Raises:
            FileNotTaken: the service does not have it yet, or its pages changed while they were read.
            RetryableError: the service gave no sound answer in all attempts.
            PermanentError: the service refuses, or answers beyond a bound.
        """
        extraction = request_for(self._schedule.due(self._settings, self._clock.now()), remote)
        if not isinstance(extraction, Extraction):
            raise PermanentError(f"{remote.path}: the connector's request is not one for a REST service")
        part = part_path(destination)
        discard(destination)
        try:
            call = self._call(extraction)
            if extraction.job is not None:
                call = self._result_call(extraction, extraction.job, call)
            if extraction.paging is None:
                self._ready(extraction, call, part)
            else:
                self._land_pages(extraction, extraction.paging, call, part)
        except BaseException:
            discard(destination)
            raise
        publish(replace(remote, size_bytes=part.stat().st_size), destination, None)

    def _call(self, extraction: Extraction) -> Call:
        headers = {**self._settings.headers, "Accept": extraction.accept, **extraction.headers}
        content = None
        if extraction.body is not None:
            headers.setdefault("Content-Type", "application/json")
            content = json.dumps(extraction.body).encode()
        url = self._url(extraction.path)
        if extraction.query:
            url = url.copy_merge_params(httpx.QueryParams(dict(extraction.query)))
        label = f"{extraction.method} {extraction.path.partition('?')[0]}"
        types = () if extraction.job is not None else extraction.content_types
        return Call(label, extraction.method, url, headers, content, types, extraction.absent_statuses)

    def _url(self, path: str) -> httpx.URL:
        base = httpx.URL(self._settings.base_url + "/")
        return linked("the connector's path", base, path.lstrip("/"), "it")

    def _limit(self, extraction: Extraction) -> int:
        bound = self._schedule.connection.max_file_bytes
        return bound if extraction.max_bytes is None else min(bound, extraction.max_bytes)

    def _ready(self, extraction: Extraction, call: Call, sink: Path | None, *, takes_id: bool = False) -> Answer:
        """The answer once it is there; a 202 is waited for.

        Args:
            extraction: says how patiently.
            call: what to ask.
            sink: as in ``HttpClient.ask``.
            takes_id: whether a 202 that leads nowhere is the answer itself, because it holds the id of a job.
        """
        give_up_at = self._clock.monotonic() + extraction.patience_seconds
        while True:
            answer = self._asker.ask(call, sink, self._limit(extraction))
            location = answer.headers.get("location")
            if answer.status == 200 or (takes_id and (answer.status == 201 or (answer.status == 202 and not location))):
                return answer
            if answer.status == 204:
                raise FileNotTaken(f"{call.label}: 204, there are no data yet")
            if answer.status != 202:
                raise PermanentError(f"{call.label}: {answer.status} is no answer that can be landed")
            if location:
                url = linked(call.label, answer.url, location, "the place to wait at")
                call = replace(call, method="GET", content=None, url=url)
            elif call.method != "GET":
                raise PermanentError(f"{call.label}: 202 without saying where to wait")
            self._pause(extraction, call, answer, give_up_at)

    def _pause(self, extraction: Extraction, call: Call, answer: Answer, give_up_at: float) -> None:
        """Wait before the next look, as long as the service asks or the extraction says."""
        asked = retry_after(answer.headers.get("retry-after"), self._clock.now())
        wait = extraction.poll_seconds if asked is None else max(asked, 0.1)
        if self._clock.monotonic() + wait > give_up_at:
            raise FileNotTaken(f"{call.label}: not ready after {extraction.patience_seconds:g} s")
        self._clock.sleep(wait)

    def _result_call(self, extraction: Extraction, job: Job, submission: Call) -> Call:
        """The request for a job's result, once the job is done."""
        answer = self._ready(extraction, submission, None, takes_id=True)
        found = pointed(paging.document(submission.label, answer.body), job.id_field)
        number = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""
        if not 0 < len(number) <= _MAX_JOB_ID:
            raise PermanentError(f"{submission.label}: the answer holds no id of a job")
        look = replace(submission, method="GET", content=None, content_types=())
        if job.status_path is not None:
            self._await_job(extraction, job, self._job_call(look, job.status_path, number))
        result = self._job_call(look, job.result_path, number)
        # A result that has expired is computed anew at the next visit.
        absent = extraction.absent_statuses | {410}
        return replace(result, content_types=extraction.content_types, absent_statuses=absent)

    def _job_call(self, call: Call, path: str, number: str) -> Call:
        url = self._url(path.replace("{job}", quote(number, safe="")))
        return replace(call, label=f"GET {path.partition('?')[0]}", url=url)

    def _await_job(self, extraction: Extraction, job: Job, call: Call) -> None:
        give_up_at = self._clock.monotonic() + extraction.patience_seconds
        while True:
            answer = self._asker.ask(call)
            status = pointed(paging.document(call.label, answer.body), job.status_field)
            if status in job.done:
                return
            if status in job.failed:
                raise FileNotTaken(f"{call.label}: the service could not do the job")
            self._pause(extraction, call, answer, give_up_at)

    def _land_pages(self, extraction: Extraction, how: Paging, call: Call, part: Path) -> None:
        limit = self._limit(extraction)
        body = extraction.body if call.content is not None else None
        place: paging.Place | None = paging.first(call, body, how)
        with part.open("wb") as stream:
            for _ in range(extraction.max_pages):
                if place is None:
                    return
                answer = self._ready(extraction, place.call, None)
                place = paging.following(place, body, how, answer)
                stream.write(paging.line(answer.body))
                if stream.tell() > limit:
                    raise PermanentError(f"{call.label}: the pages are larger than the bound of {limit} bytes")
        if place is not None:
            raise PermanentError(f"{call.label}: more than {extraction.max_pages} pages")


def state_key(connection: Connection, secrets_dir: Path) -> str:
    """The name under which the state of a connection's service is kept: who asks whom, with which credentials."""
    return f"{secrets_dir}\n{connection.connection_id}\n{connection.transport.model_dump_json()}"
