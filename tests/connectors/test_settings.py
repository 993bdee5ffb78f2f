"""Laws of tenants' settings: read whole, or refused with file and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.connection import LocalTransport, S3Transport, SftpTransport
from connectors.settings import SettingsError, load_tenant, load_tenants

ALDER = """\
tenant: alder
name: Alder Wealth
connections:
  - connection_id: schwab
    adapter: schwab
    master_accounts: ["08123456"]
    received_at: remote_mtime
    transport:
      kind: sftp
      host: sftp.example.com
      port: 2222
      username: alder
      path: alder/schwab
      known_hosts: ../known_hosts
      password_ref: file:alder_schwab
  - connection_id: statements
    adapter: ofx
    base_currency: EUR
    transport:
      kind: local
      path: /srv/statements
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tenants = tmp_path / "tenants"
    tenants.mkdir()
    (tenants / "alder.yaml").write_text(ALDER)
    return tenants


def fault_of(folder: Path, text: str, name: str = "alder.yaml") -> str:
    (folder / name).write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_tenants(folder, known_adapters={"schwab", "ofx"})
    return str(caught.value).replace(str(folder), "")


def test_a_tenant_is_read_as_written(folder: Path) -> None:
    settings = load_tenants(folder)["alder"]
    schwab, statements = settings.connections
    assert (settings.name, settings.base_currency, settings.calendar) == ("Alder Wealth", "USD", "XNYS")
    assert (schwab.master_accounts, schwab.received_at) == (("08123456",), "remote_mtime")
    assert isinstance(schwab.transport, SftpTransport)
    assert (schwab.transport.port, schwab.transport.password_ref) == (2222, "file:alder_schwab")
    assert isinstance(statements.transport, LocalTransport)
    assert statements.base_currency == "EUR"


def test_relative_paths_are_taken_from_the_folder_of_the_file(folder: Path) -> None:
    schwab, statements = load_tenant(folder / "alder.yaml").connections
    assert isinstance(schwab.transport, SftpTransport)
    assert schwab.transport.known_hosts == folder / "../known_hosts"
    assert schwab.transport.path == "alder/schwab"
    assert isinstance(statements.transport, LocalTransport)
    assert statements.transport.path == Path("/srv/statements")


def test_every_file_is_a_tenant_and_shared_is_one(folder: Path) -> None:
    (folder / "_shared.yaml").write_text("tenant: _shared\nname: Market data\n")
    (folder / "notes.txt").write_text("not settings")
    assert list(load_tenants(folder)) == ["_shared", "alder"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("      host: sftp.example.com\n", "", "connections[0].transport.host: Field required"),
        ("port: 2222", "port: 70000", "connections[0].transport.port: Input should be less than or equal to 65535"),
        ("kind: local", "kind: ftp", "connections[1].transport: Input tag 'ftp'"),
        ("name: Alder Wealth\n", "", "name: Field required"),
        ("adapter: ofx", "adapter: oxf", "connections[1].adapter: no connector 'oxf'; there are: ofx, schwab"),
        ("id: statements", "id: schwab", "connections: 'schwab' is defined 2 times"),
        ("tenant: alder", "tenant: birch", "tenant: is 'birch' but the file is called alder.yaml"),
        ("received_at: remote_mtime", "received_at: never", "connections[0].received_at: Input should be"),
        ('["08123456"]', "[01234567]", "connections[0].master_accounts[0]: Input should be a valid string"),
        ("      password_ref: file:alder_schwab\n", "", "connections[0].transport: give password_ref"),
        ("port: 2222", "port: 22\n      port: 2222", "line 12, column 7: a field is given twice"),
        ("connections:", "connections: [", "line 4, column 3: "),
    ],
)
def test_a_fault_names_file_and_field(folder: Path, old: str, new: str, expected: str) -> None:
    assert load_tenants(folder, known_adapters={"schwab", "ofx"})
    assert f"/alder.yaml: {expected}" in fault_of(folder, ALDER.replace(old, new))


def test_a_password_written_into_the_file_is_refused_and_not_repeated(folder: Path) -> None:
    fault = fault_of(folder, ALDER.replace("password_ref: file:alder_schwab", "password: hunter2"))
    assert "connections[0].transport.password: Extra inputs are not permitted" in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize("text", ["", "- a\n", "just text", "\x00"])
def test_a_file_that_is_no_mapping_is_refused(folder: Path, text: str) -> None:
    assert fault_of(folder, text).startswith("/alder.yaml: ")


def test_a_file_can_not_run_code(folder: Path) -> None:
    assert "/alder.yaml: line 1" in fault_of(folder, "tenant: !!python/object/apply:os.getcwd []\n")


def test_the_faults_of_all_files_are_listed_at_once(folder: Path) -> None:
    (folder / "birch.yaml").write_text("tenant: birch\n")
    fault = fault_of(folder, "name: Alder\nbase_currency: dollars\n")
    assert [line.split(": ")[:2] for line in fault.splitlines()] == [
        ["/alder.yaml", "tenant"],
        ["/alder.yaml", "base_currency"],
        ["/birch.yaml", "name"],
    ]


def test_the_example_in_the_documentation_loads(folder: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/connections.md").read_text()
    (folder / "alder.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    schwab, statements = load_tenant(folder / "alder.yaml").connections
    assert (schwab.adapter, statements.adapter) == ("schwab", "ofx")
    assert schwab.master_accounts == ("08123456",)


BUCKET = """\
  - connection_id: bucket
    adapter: schwab
    transport: {kind: s3, bucket: deliveries, prefix: alder, access_key_ref: env:ID, secret_key_ref: file:key}
    pgp: {private_key_ref: file:ours, signer_keys: [keys/theirs.asc, "file:theirs"]}
"""


def test_a_bucket_and_keys_are_read_and_paths_of_keys_are_taken_from_the_folder(folder: Path) -> None:
    (folder / "alder.yaml").write_text(ALDER + BUCKET)
    bucket = load_tenant(folder / "alder.yaml").connections[-1]
    assert isinstance(bucket.transport, S3Transport)
    assert (bucket.transport.bucket, bucket.transport.path_style) == ("deliveries", False)
    assert bucket.pgp is not None
    assert bucket.pgp.signer_keys == (str(folder / "keys/theirs.asc"), "file:theirs")
    assert bucket.pgp.require_signature


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (", secret_key_ref: file:key", "", "transport: give access_key_ref and secret_key_ref"),
        ("bucket: deliveries", "bucket: a/b", "transport.bucket: String should match"),
        ("prefix: alder", "credentials: anonymous", "transport: credentials: anonymous takes no keys"),
        ("prefix: alder", "endpoint_url: 'https://me:secret@host'", "transport.endpoint_url: String should match"),
        (', signer_keys: [keys/theirs.asc, "file:theirs"]', "", "pgp: give signer_keys, or require_signature: false"),
        ("private_key_ref: file:ours, ", "", "pgp.private_key_ref: Field required"),
    ],
)
def test_a_fault_of_a_bucket_or_of_keys_is_named(folder: Path, old: str, new: str, expected: str) -> None:
    fault = fault_of(folder, ALDER + BUCKET.replace(old, new))
    assert f"/alder.yaml: connections[2].{expected}" in fault
    assert "secret@" not in fault


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere: no such folder"):
        load_tenants(tmp_path / "nowhere")
