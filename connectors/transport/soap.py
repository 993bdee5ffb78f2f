"""A SOAP service as a folder: zeep makes the envelope from a WSDL of the repository, the answer's envelope lands.

Nothing is fetched to understand a WSDL: it and all that it imports lie in one folder of the repository.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import defusedxml.ElementTree
import httpx
import zeep
from lxml import etree
from zeep.wsdl.bindings.soap import Soap12Binding, SoapBinding
from zeep.wsse.username import UsernameToken

from connectors import secrets
from connectors.errors import PermanentError
from connectors.services import NoAuth, SoapTransport, WsSecurityAuth
from connectors.transport.base import Listing, RemoteFile
from connectors.transport.clock import Clock, SystemClock
from connectors.transport.extraction import SoapCall
from connectors.transport.guard import state_for
from connectors.transport.http_auth import Authorized
from connectors.transport.http_client import Answer, Call, HttpClient, TryAgain
from connectors.transport.paths import printable
from connectors.transport.rest import state_key
from connectors.transport.scheduled import Schedule, listing, request_for
from connectors.transport.staging import discard, part_path, publish

logging.getLogger("zeep").setLevel(logging.WARNING)  # it writes whole envelopes to the log

_ENVELOPES: Final = {
    "http://schemas.xmlsoap.org/soap/envelope/": ("faultcode", ("Client", "VersionMismatch", "MustUnderstand")),
    "http://www.w3.org/2003/05/soap-envelope": ("Code/Value", ("Sender", "VersionMismatch", "MustUnderstand")),
}
"""Namespace of an envelope to where a fault in it says whose it is, and the values that no repetition changes."""

_SETTINGS: Final = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True, strict=True)


class SoapFolder:
    """A ``Transport`` over the calls that are due at a SOAP service."""

    def __init__(
        self, settings: SoapTransport, schedule: Schedule, secrets_dir: Path, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._schedule = schedule
        self._secrets_dir = secrets_dir
        self._clock = clock or SystemClock()
        self._client: HttpClient | None = None
        self._wsse: UsernameToken | None = None
        self._documents: dict[Path, zeep.Client] = {}

    def __enter__(self) -> Self:
        """Resolve the credentials. The service is not asked yet.

        Raises:
            PermanentError: a secret or ``ca_file`` cannot be used.
        """
        settings, auth = self._settings, self._settings.auth
        state = state_for(state_key(self._schedule.connection, self._secrets_dir), settings.limits)
        self._client = HttpClient(settings.limits, settings.ca_file, state, self._clock)
        try:
            if isinstance(auth, WsSecurityAuth):
                self._wsse = UsernameToken(auth.username, secrets.resolve(auth.password_ref, self._secrets_dir))
                auth = NoAuth()
            self._asker = Authorized(self._client, auth, self._secrets_dir)
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
        """The calls that are due; see ``Schedule.due``. The service is not asked."""
        return listing(self._schedule.due(self._settings, self._clock.now()))

    def fetch(self, remote: RemoteFile, destination: Path) -> None:
        """Make the call that ``remote`` stands for; see ``Transport.fetch``.

        Raises:
            RetryableError: the service gave no sound answer, or a fault of its own, in all attempts.
            PermanentError: the WSDL does not know the call, the service refuses it, or its answer is no envelope or
                holds a document type or an entity.
        """
        call = request_for(self._schedule.due(self._settings, self._clock.now()), remote)
        if not isinstance(call, SoapCall):
            raise PermanentError(f"{remote.path}: the connector's request is not one for a SOAP service")
        discard(destination)
        bound = min(self._settings.limits.max_page_bytes, self._schedule.connection.max_file_bytes)
        answer = self._asker.ask(self._request(call), max_bytes=bound)
        part = part_path(destination)
        part.write_bytes(answer.body)
        publish(replace(remote, size_bytes=len(answer.body)), destination, None)

    def _request(self, call: SoapCall) -> Call:
        label = f"SOAP {call.operation}"
        try:
            client = self._document(call.wsdl)
            service = client.service
            binding: SoapBinding = service._binding
            envelope = client.create_message(service, call.operation, **dict(call.parameters))
            action = binding.get(call.operation).soapaction or ""
        except (zeep.exceptions.Error, etree.LxmlError, ValueError, TypeError, LookupError, AttributeError) as error:
            # The library's text would show the parameters.
            kind = type(error).__name__
            raise PermanentError(f"{label}: no call can be made from {call.wsdl.name} ({kind})") from None
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"', "Accept": "text/xml"}
        if isinstance(binding, Soap12Binding):
            kind = "application/soap+xml"
            headers = {"Content-Type": f'{kind}; charset=utf-8; action="{action}"', "Accept": kind}
        return Call(
            label,
            "POST",
            httpx.URL(self._settings.url),
            headers,
            etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
            content_types=("text/xml", "application/soap+xml", "application/xml"),
            check=lambda answer: require_reply(label, answer),
            checked_statuses=frozenset({500}),
        )

    def _document(self, wsdl: Path) -> zeep.Client:
        if wsdl not in self._documents:
            loader = _FolderAlone(wsdl.parent)
            self._documents[wsdl] = zeep.Client(str(wsdl), wsse=self._wsse, transport=loader, settings=_SETTINGS)
        return self._documents[wsdl]


class _FolderAlone:
    """What zeep loads documents with: files of one folder, nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def load(self, url: str) -> bytes:
        parts = urlsplit(url)
        if parts.scheme not in ("", "file") or parts.netloc:
            raise PermanentError(f"the WSDL refers to something outside the repository ({printable(url)})")
        path = Path(os.path.realpath(unquote(parts.path)))
        if not path.is_relative_to(self._folder):
            raise PermanentError(f"the WSDL refers to something outside its folder ({printable(path.name)})")
        try:
            return path.read_bytes()
        except OSError as error:
            raise PermanentError(f"{path.name}: cannot be read with its WSDL ({error.strerror})") from None


def require_reply(label: str, answer: Answer) -> None:
    """Let pass an answer that is an envelope without a fault.

    Raises:
        TryAgain: no XML came, or a fault that the service calls its own.
        PermanentError: a fault that is ours, something else than an envelope, or a document that is dangerous to read.
    """
    try:
        root = zeep.loader.parse_xml(answer.body, None, settings=_SETTINGS)
    except (zeep.exceptions.DTDForbidden, zeep.exceptions.EntitiesForbidden):
        raise PermanentError(f"{label}: the answer holds a document type or entities; refused") from None
    except (zeep.exceptions.XMLSyntaxError, etree.LxmlError, ValueError):
        if _has_document_type(answer.body):  # a bomb ends lxml's patience before zeep looks at the document type
            raise PermanentError(f"{label}: the answer holds a document type or entities; refused") from None
        reason = "the answer is no XML" if answer.status == 200 else f"status {answer.status}"
        raise TryAgain(reason) from None
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in _ENVELOPES:
        raise PermanentError(f"{label}: the answer is no SOAP envelope")
    code = _fault_code(root, name.namespace)
    if code is None and answer.status == 200:
        return
    if code in _ENVELOPES[name.namespace][1]:
        raise PermanentError(f"{label}: the service answers with a fault that is ours ({code})")
    raise TryAgain("the service answers with a fault of its own" if code is not None else f"status {answer.status}")


def _has_document_type(body: bytes) -> bool:
    try:
        defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except defusedxml.DefusedXmlException:
        return True
    except (ElementTree.ParseError, ValueError, LookupError):
        return False
    return False


def _fault_code(root: Any, namespace: str) -> str | None:
    """The local name of a fault's code, '' of a fault without one, None where the envelope holds no fault."""
    fault = root.find(f"{{{namespace}}}Body/{{{namespace}}}Fault")
    if fault is None:
        return None
    steps = _ENVELOPES[namespace][0].split("/")
    # SOAP 1.1 leaves the children of a fault without a namespace, SOAP 1.2 gives them its own.
    place = steps[0] if len(steps) == 1 else "/".join(f"{{{namespace}}}{step}" for step in steps)
    code = (fault.findtext(place) or "").strip().rpartition(":")[2].partition(".")[0]
    return code if code.isalpha() else ""
