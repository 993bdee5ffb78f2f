"""Laws of the settings of services: the documented examples work, faults name the field and never the value."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.connection import Connection
from connectors.services import RestTransport, SoapTransport, StreamTransport
from connectors.settings import SettingsError, load_tenant

DOCS = Path(__file__).parents[2] / "docs/connections.md"
EXAMPLES = {
    found[1]: found[0]
    for found in re.findall(r"```yaml\n(- connection_id: .*?kind: (rest|soap|stream)\n.*?)```", DOCS.read_text(), re.S)
}


def load(folder: Path, text: str) -> Connection:
    tenants = folder / "tenants"
    tenants.mkdir(exist_ok=True)
    (tenants / "alder.yaml").write_text(f"tenant: alder\nname: Alder\nconnections:\n{text}")
    return load_tenant(tenants / "alder.yaml").connections[0]


def test_the_documented_examples_are_read(tmp_path: Path) -> None:
    rest, soap, stream = (load(tmp_path, EXAMPLES[kind]).transport for kind in ("rest", "soap", "stream"))
    assert isinstance(rest, RestTransport)
    assert isinstance(soap, SoapTransport)
    assert isinstance(stream, StreamTransport)
    assert (rest.auth.kind, rest.limits.requests, rest.ready_at) == (
        "oauth2_client_credentials",
        10,
        "18:30 America/New_York",
    )
    assert soap.auth.kind == "ws_security"
    assert stream.subscribe == ({"action": "subscribe", "ids": ["AAPL-US", "IBM-US"]},)
    assert stream.backfill is not None
    assert stream.backfill.kind == "message"


def test_relative_paths_are_taken_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    text = EXAMPLES["stream"] + "    ca_file: ../own_ca.pem\n"
    stream = load(tmp_path, text).transport
    assert isinstance(stream, StreamTransport)
    assert (stream.spool, stream.ca_file) == (tmp_path / "tenants/../spool/ticks", tmp_path / "tenants/../own_ca.pem")


@pytest.mark.parametrize(
    ("kind", "old", "new", "fault"),
    [
        ("rest", "file:vendor_client_secret", "hunter2", "transport.auth.client_secret_ref: String should match"),
        ("rest", "client_secret_ref:", "client_secret:", "transport.auth.client_secret: Extra inputs"),
        ("rest", "https://api.example.com/v1", "https://u:hunter2@api.example.com", "transport.base_url: Value error"),
        ("rest", "kind: oauth2_client_credentials", "kind: oauth3", "transport.auth: Input tag"),
        ("soap", "file:evaluations_password", "hunter2", "transport.auth.password_ref: String should match"),
        ("stream", "kind: message,", "kind: message, hunter: 2,", "transport.backfill.hunter: Extra inputs"),
        ("stream", "prefix: ticks", "prefix: ../ticks", "transport.prefix: String should match"),
    ],
)
def test_a_fault_names_the_field_as_it_is_written(tmp_path: Path, kind: str, old: str, new: str, fault: str) -> None:
    assert old in EXAMPLES[kind]
    with pytest.raises(SettingsError, match=re.escape(f"connections[0].{fault}")) as caught:
        load(tmp_path, EXAMPLES[kind].replace(old, new))
    assert "hunter2" not in str(caught.value)
