"""Laws of asking a SOAP service: the WSDL of the repository, a server whose bytes were written by hand."""

from __future__ import annotations

import logging
import shutil
import traceback
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from connectors.connection import Connection
from connectors.errors import PermanentError, RetryableError
from connectors.services import SoapTransport
from connectors.transport.extraction import Extraction, SoapCall
from connectors.transport.guard import forget_states
from connectors.transport.scheduled import Schedule
from connectors.transport.soap import SoapFolder
from tests.connectors.http_fixture import Reply, TestClock, WebServer, at, web_server

WSDL = Path(__file__).parents[2] / "connectors/transport/wsdl/price_service/price_service.wsdl"
SECRET = "Zq7-correct-horse"
CALL = SoapCall("prices.xml", WSDL, "GetPrices", {"day": date(2022, 12, 28), "cusip": ["459200101", "037833100"]})

ANSWER = b"""<?xml version='1.0' encoding='UTF-8'?>
<S:Envelope xmlns:S="http://schemas.xmlsoap.org/soap/envelope/"><S:Body>
<ns2:GetPricesResponse xmlns:ns2="urn:wealthnexus:prices:1"><ns2:price>
<ns2:cusip>459200101</ns2:cusip><ns2:currency>USD</ns2:currency><ns2:mid>140.0200000000000000000001</ns2:mid>
</ns2:price><!-- as is --></ns2:GetPricesResponse></S:Body></S:Envelope>\r
"""


def fault(code: str, text: str = "account X123") -> bytes:
    return (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><e:Fault>'
        f"<faultcode>e:{code}</faultcode><faultstring>{text}</faultstring></e:Fault></e:Body></e:Envelope>"
    ).encode()


def fault_12(code: str) -> bytes:
    return (
        '<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code>'
        f"<e:Value>e:{code}</e:Value></e:Code><e:Reason/></e:Fault></e:Body></e:Envelope>"
    ).encode()


def xml(body: bytes, status: int = 200) -> Reply:
    return Reply(body, status, content_type="text/xml; charset=utf-8")


@pytest.fixture
def server() -> Iterator[WebServer]:
    forget_states()
    with web_server() as running:
        running.scripts["/soap"] = [xml(ANSWER)]
        yield running


Land = Callable[..., bytes]


@pytest.fixture
def land(server: WebServer, tmp_path: Path) -> Land:
    """What lands of one call; nothing but the file may be left in its folder."""
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets/vendor").write_text(SECRET)
    (tmp_path / "secrets/vendor").chmod(0o600)
    target = tmp_path / "landing"
    target.mkdir()

    def once(call: SoapCall | Extraction = CALL, **changes: object) -> bytes:
        limits = {"attempts": 3, "requests": 100}
        transport = {"kind": "soap", "url": f"{server.url}/soap", "lookback_days": 0, "limits": limits, **changes}
        connection = Connection.model_validate({"connection_id": "x", "adapter": "x", "transport": transport})
        assert isinstance(connection.transport, SoapTransport)
        schedule = Schedule(connection, lambda _, day: [call], "XNYS")
        clock = TestClock(at("2022-12-29T02:00:00"))
        with SoapFolder(connection.transport, schedule, tmp_path / "secrets", clock) as opened:
            (remote,) = opened.list_files().files
            try:
                opened.fetch(remote, target / "out")
            finally:
                assert [p.name for p in target.iterdir() if p.name != "out"] == []
        return (target / "out").read_bytes()

    return once


def test_the_answer_s_envelope_lands_byte_for_byte(land: Land) -> None:
    assert land() == ANSWER


def test_the_call_is_as_the_wsdl_says(server: WebServer, land: Land) -> None:
    land()
    (asked,) = server.asked
    assert asked.method == "POST"
    assert asked.headers["soapaction"] == '"urn:wealthnexus:prices:1:GetPrices"'
    assert asked.headers["content-type"] == "text/xml; charset=utf-8"
    root = ElementTree.fromstring(asked.body)  # noqa: S314 (our own bytes)
    (request,) = root.find("{http://schemas.xmlsoap.org/soap/envelope/}Body") or []
    assert request.tag == "{urn:wealthnexus:prices:1}GetPrices"
    assert [(e.tag.rpartition("}")[2], e.text) for e in request] == [
        ("day", "2022-12-28"),
        ("cusip", "459200101"),
        ("cusip", "037833100"),
    ]


def test_a_user_name_token_goes_into_the_envelope_and_other_credentials_into_headers(
    server: WebServer, land: Land
) -> None:
    land(auth={"kind": "ws_security", "username": "alder", "password_ref": "file:vendor"})
    land(auth={"kind": "api_key", "header": "X-Key", "key_ref": "file:vendor"})
    wsse = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
    root = ElementTree.fromstring(server.asked[0].body)  # noqa: S314
    assert [e.text for e in root.iter() if e.tag in (f"{wsse}Username", f"{wsse}Password")] == ["alder", SECRET]
    assert server.asked[1].headers["x-key"] == SECRET
    assert SECRET.encode() not in server.asked[1].body


@pytest.mark.parametrize(
    "call",
    [
        SoapCall("x.xml", WSDL, "GetBonds", {"account": "X123"}),
        SoapCall("x.xml", WSDL, "GetPrices", {"account": "X123"}),
        SoapCall("x.xml", WSDL, "GetPrices", {}),
        SoapCall("x.xml", WSDL.with_name("missing.wsdl"), "GetPrices", {}),
        SoapCall("x.xml", WSDL.with_name("README.md"), "GetPrices", {}),
        Extraction("x.xml", "prices"),
    ],
    ids=["operation", "parameter", "none given", "no wsdl", "no xml", "another kind of request"],
)
def test_a_call_that_the_wsdl_does_not_know_is_a_permanent_fault_without_its_values(
    server: WebServer, land: Land, call: SoapCall | Extraction
) -> None:
    with pytest.raises(PermanentError) as caught:
        land(call)
    assert "X123" not in "".join(traceback.format_exception(caught.value))
    assert server.asked == []


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:1/prices.xsd", "https://www.w3.org/x.xsd", "../away.xsd", "file:///etc/hostname"]
)
def test_a_wsdl_that_refers_to_something_outside_its_folder_is_refused(
    server: WebServer, land: Land, tmp_path: Path, location: str
) -> None:
    copy = tmp_path / "wsdl"
    shutil.copytree(WSDL.parent, copy)
    shutil.copy(WSDL.with_name("prices.xsd"), tmp_path / "away.xsd")
    text = WSDL.read_text().replace('schemaLocation="prices.xsd"', f'schemaLocation="{location}"')
    (copy / "price_service.wsdl").write_text(text)
    with pytest.raises(PermanentError):
        land(SoapCall("x.xml", copy / "price_service.wsdl", "GetPrices", dict(CALL.parameters)))
    assert server.asked == []


BOMB = b"<!DOCTYPE e [" + b"".join(
    b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10 if n else b"ha") for n in range(12)
)


@pytest.mark.parametrize(
    "prolog",
    [
        BOMB + b"]>",
        b'<!DOCTYPE e [<!ENTITY a11 SYSTEM "file:///etc/hostname">]>',
        b'<!DOCTYPE e SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
    ids=["a bomb", "an external entity", "an external type"],
)
def test_an_answer_that_is_dangerous_to_read_is_refused_and_does_not_land(
    land: Land, server: WebServer, prolog: bytes
) -> None:
    body = prolog + ANSWER.partition(b"?>")[2].lstrip().replace(b"USD", b"&a11;" if b"ENTITY" in prolog else b"USD")
    server.scripts["/soap"] = [xml(body)]
    with pytest.raises(PermanentError, match="document type or entities"):
        land()
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [fault("Client.Auth"), fault("MustUnderstand"), fault_12("Sender")])
@pytest.mark.parametrize("status", [200, 500])
def test_a_fault_that_is_ours_is_permanent_and_shows_none_of_its_text(
    server: WebServer, land: Land, body: bytes, status: int
) -> None:
    server.scripts["/soap"] = [xml(body, status)]
    with pytest.raises(PermanentError, match="a fault that is ours") as caught:
        land()
    assert "X123" not in str(caught.value)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        xml(fault("Server"), 500),
        xml(fault("Server"), 200),
        xml(fault_12("Receiver"), 500),
        xml(fault("§"), 500),
        xml(ANSWER, 500),
        Reply(b"<html>oops", 500, content_type="text/html"),
        xml(ANSWER[:200]),
        xml(b""),
        Reply(b"", 503),
    ],
    ids=["fault", "fault under 200", "fault 1.2", "odd code", "500", "html", "cut", "empty", "503"],
)
def test_a_fault_of_the_service_is_retried_and_then_retryable(server: WebServer, land: Land, reply: Reply) -> None:
    server.scripts["/soap"] = [reply]
    with pytest.raises(RetryableError, match=r"SOAP GetPrices: .*\(3 attempts\)"):
        land()
    server.scripts["/soap"] = [reply, xml(ANSWER)]
    assert land() == ANSWER


@pytest.mark.parametrize("body", [b"<a/>", b'<Envelope xmlns="urn:other"/>'])
def test_an_answer_that_is_no_envelope_is_refused(server: WebServer, land: Land, body: bytes) -> None:
    server.scripts["/soap"] = [xml(body)]
    with pytest.raises(PermanentError, match="no SOAP envelope"):
        land()


def test_an_answer_beyond_the_bound_is_refused(server: WebServer, land: Land) -> None:
    with pytest.raises(PermanentError, match="bound of 100 bytes"):
        land(limits={"max_page_bytes": 100})


def test_a_password_in_the_envelope_is_in_nothing_raised_or_logged(
    server: WebServer, land: Land, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    auth = {"kind": "ws_security", "username": "alder", "password_ref": "file:vendor"}
    faulty = SoapCall("x.xml", WSDL, "GetPrices", {"day": "2022-12-28"})
    for call, reply in ((CALL, xml(fault("Client", SECRET), 500)), (CALL, xml(b"", 401)), (faulty, xml(ANSWER))):
        server.scripts["/soap"] = [reply]
        with pytest.raises(PermanentError) as caught:
            land(call, auth=auth)
        assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
