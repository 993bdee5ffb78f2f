"""From a zipped, encrypted and signed delivery to the line that the trace shows; and what the wrong key does to it."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pysequoia
import pytest
import yaml

from assets.canonical.reading import pending_files
from contracts.tables.canonical import TRANSACTION
from contracts.tables.landing import FILE_ARRIVAL
from tests.e2e_faults.provider import Provider, provider_in
from warehouse.lake.lines import stored_lines

AT = datetime(2022, 1, 6, 10, 30, tzinfo=UTC)
SAMPLES = Path("connectors/custodians/schwab/samples")
TRN = (SAMPLES / "CRS20220105.TRN").read_bytes()
FIRM, NEW_FIRM, CUSTODIAN, STRANGER = (
    pysequoia.Tsk.generate(name) for name in ("firm", "new", "custodian", "stranger")
)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    made = provider_in(tmp_path, ("alder",))
    path = tmp_path / "tenants" / "alder.yaml"
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    for connection in settings["connections"]:
        if connection["connection_id"] == "schwab_main":
            connection["pgp"] = {"private_key_ref": "file:firm", "signer_keys": ["../custodian.asc"]}
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    (tmp_path / "custodian.asc").write_text(str(CUSTODIAN.extract_certificate()), encoding="ascii")
    (tmp_path / "secrets").mkdir()
    hold(made, FIRM)
    return made


def hold(provider: Provider, key: pysequoia.Tsk) -> None:
    """Let the firm hold this private key."""
    place = provider.home / "secrets" / "firm"
    place.write_text(str(key), encoding="ascii")
    place.chmod(0o600)


def sealed(content: bytes, to: pysequoia.Tsk = FIRM, signer: pysequoia.Tsk = CUSTODIAN) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("CRS20220105.DAT", content)
    return pysequoia.encrypt(
        bytes=target.getvalue(), recipients=[to.extract_certificate()], signer=signer.signer(), armor=False
    )


def deliver(provider: Provider, name: str, content: bytes, hours: int = 0) -> None:
    provider.put(f"alder/schwab_main/{name}", content, AT + timedelta(hours=hours))


def sha256_of(provider: Provider, path: str) -> str:
    (sha256,) = provider.read(FILE_ARRIVAL.full_name, "alder").filter(pl.col("remote_path") == path)["sha256"]
    return str(sha256)


def test_a_sealed_file_lands_is_read_and_every_row_is_traced_to_its_line(provider: Provider) -> None:
    deliver(provider, "CRS20220105.TRN.zip.pgp", sealed(TRN))
    provider.visit("alder")
    ws = provider.workspace
    rows = ws.lake.read(TRANSACTION, "alder")
    sha256 = sha256_of(provider, "CRS20220105.TRN.zip.pgp")
    assert len(rows) > 0
    lines = TRN.split(b"\n")
    found = stored_lines(ws.raw, "alder", sha256, rows["source_line"].to_list())
    for number in rows["source_line"]:
        assert found[number] == lines[number - 1].rstrip(b"\r").decode("cp1252")


def test_the_raw_file_stays_as_it_came_and_no_text_is_left_elsewhere(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    content = sealed(TRN)
    deliver(provider, "CRS20220105.TRN.zip.pgp", content)
    provider.visit("alder")
    ws = provider.workspace
    sha256 = sha256_of(provider, "CRS20220105.TRN.zip.pgp")
    with ws.raw.open("alder", sha256) as stream:
        assert stream.read() == content
    assert [path for path in scratch.iterdir() if not path.name.startswith("wealthnexus-raw")] == []


def test_a_file_for_another_key_is_blocked_alone_and_read_when_the_key_is_there(provider: Provider) -> None:
    deliver(provider, "CRS20220105.TRN.pgp", sealed(TRN, to=NEW_FIRM))
    deliver(provider, "CRS20220105.SEC.pgp", sealed((SAMPLES / "CRS20220105.SEC").read_bytes()))
    _, done = provider.visit("alder")
    assert (done.files, done.blocked) == (2, 1)
    assert provider.rejects("alder", "CRS20220105.TRN.pgp") == {("pgp_wrong_key", 0)}
    assert provider.workspace.lake.read(TRANSACTION, "alder").is_empty()
    assert pending_files(provider.workspace, "alder") == []

    hold(provider, NEW_FIRM)
    # Only what was not opened is read again: the new key would not open the other one.
    assert [a.remote_path for a in pending_files(provider.workspace, "alder")] == ["CRS20220105.TRN.pgp"]
    _, done = provider.visit("alder")
    assert (done.files, done.blocked) == (1, 0)
    assert len(provider.workspace.lake.read(TRANSACTION, "alder")) > 0
    assert provider.rejects("alder", "CRS20220105.TRN.pgp") & {("pgp_wrong_key", 0)} == set()
    assert pending_files(provider.workspace, "alder") == []


def test_a_file_that_was_opened_once_is_read_again_after_its_key_was_replaced(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(provider, "CRS20220105.TRN.pgp", sealed(TRN))
    provider.visit("alder")
    before = provider.workspace.lake.read(TRANSACTION, "alder").sort("source_line")
    hold(provider, NEW_FIRM)
    monkeypatch.setattr("connectors.adapter.Adapter.version_for", lambda self, connection: "next")
    _, done = provider.visit("alder")
    assert (done.files, done.blocked) == (1, 0)
    assert provider.workspace.lake.read(TRANSACTION, "alder").sort("source_line").equals(before)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (sealed(TRN, signer=STRANGER), "pgp_bad_signature"),
        (TRN, "pgp_bad_signature"),
        (sealed(TRN)[:-9], "malformed_document"),
    ],
)
def test_what_the_custodian_did_not_seal_is_not_taken(provider: Provider, content: bytes, reason: str) -> None:
    deliver(provider, "CRS20220105.TRN", content)
    provider.visit("alder")
    assert provider.rejects("alder", "CRS20220105.TRN") == {(reason, 0)}
    assert provider.parse("alder", "CRS20220105.TRN")["business_date"] == date(2022, 1, 5)
    sha256 = sha256_of(provider, "CRS20220105.TRN")
    assert not provider.workspace.raw.has_beside("alder", sha256, ".text")
