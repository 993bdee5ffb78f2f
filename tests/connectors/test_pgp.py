"""Laws of OpenPGP deliveries: what is proven is read, everything else is refused by name, and no secret is shown.

The samples in ``pgp/`` were written by GnuPG 2.2 at a fixed date; its text, ``gnupg_text.txt``, lies beside them.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pysequoia
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.archive import expand, stem_of
from connectors.connection import PgpSettings
from connectors.errors import FeedFault
from connectors.pgp import PgpKeys, is_pgp, load_keys
from connectors.pgp_unwrap import unwrap

SAMPLES = Path(__file__).parent / "pgp"
TEXT = (SAMPLES / "gnupg_text.txt").read_bytes()
PASSPHRASE = "open sesame"
LIMIT = 64 * 1024**2

FIRM = pysequoia.Tsk.generate("firm")
CUSTODIAN = pysequoia.Tsk.generate("custodian")
STRANGER = pysequoia.Tsk.generate("stranger")


def keys(
    private: str = str(FIRM), *signers: str, passphrase: str | None = None, require_signature: bool = True
) -> PgpKeys:
    return PgpKeys(require_signature, "00000000", (private,), passphrase, signers)


def sample(name: str) -> str:
    return (SAMPLES / name).read_text(encoding="ascii")


OURS = keys(str(FIRM), str(CUSTODIAN.extract_certificate()))
GNUPG = keys(sample("firm_private.asc"), sample("custodian_public.asc"), passphrase=PASSPHRASE)


def message(
    text: bytes, signer: pysequoia.Tsk | None = CUSTODIAN, to: pysequoia.Tsk = FIRM, *, armor: bool = False
) -> bytes:
    return pysequoia.encrypt(
        bytes=text, recipients=[to.extract_certificate()], signer=signer and signer.signer(), armor=armor
    )


def fault_of(
    content: bytes, tmp_path: Path, used: PgpKeys | None, name: str = "a.pgp", limit: int = LIMIT
) -> FeedFault:
    """The fault of a delivery, of which nothing may be left."""
    (tmp_path / "delivered").write_bytes(content)
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(FeedFault) as caught:
        expand(tmp_path / "delivered", name, out, limit, used)
    assert list(out.iterdir()) == []
    assert caught.value.__cause__ is None
    return caught.value


def opened(content: bytes, tmp_path: Path, used: PgpKeys, name: str) -> tuple[str, bytes]:
    (tmp_path / "delivered").write_bytes(content)
    out = tmp_path / "out"
    out.mkdir()
    expanded = expand(tmp_path / "delivered", name, out, LIMIT, used)
    assert expanded.is_archive
    assert list(out.iterdir()) == [expanded.path]
    return expanded.name, expanded.path.read_bytes()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gnupg_signed.pgp", "gnupg_signed"),
        ("gnupg_signed.asc", "gnupg_signed"),
        ("gnupg_signed_only.gpg", "gnupg_signed_only"),
        ("gnupg_zip.zip.pgp", "inner.DAT"),
    ],
)
def test_what_gnupg_wrote_and_signed_is_read(tmp_path: Path, name: str, expected: str) -> None:
    assert opened((SAMPLES / name).read_bytes(), tmp_path, GNUPG, name) == (expected, TEXT)


@pytest.mark.parametrize("curve", ["curve25519", "p256"])
def test_a_message_for_a_key_on_a_curve_is_read(tmp_path: Path, curve: str) -> None:
    used = keys(sample(f"{curve}_private.asc"), sample("custodian_public.asc"))
    content = (SAMPLES / f"gnupg_{curve}.pgp").read_bytes()
    assert opened(content, tmp_path, used, "a.pgp") == ("a", TEXT)


def test_an_unsigned_message_is_read_only_where_no_signature_is_demanded(tmp_path: Path) -> None:
    content = (SAMPLES / "gnupg_unsigned.gpg").read_bytes()
    assert fault_of(content, tmp_path, GNUPG).reason == "pgp_bad_signature"
    for number, signers in enumerate([(), (sample("custodian_public.asc"),)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        used = keys(sample("firm_private.asc"), *signers, passphrase=PASSPHRASE, require_signature=False)
        assert opened(content, folder, used, "a.gpg") == ("a", TEXT)


@pytest.mark.parametrize("armor", [False, True])
def test_a_file_is_known_as_openpgp_by_its_bytes_whatever_its_name(tmp_path: Path, armor: bool) -> None:
    assert opened(message(b"a\nb\n", armor=armor), tmp_path, OURS, "CRS20220103.TRN") == ("CRS20220103.TRN", b"a\nb\n")


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.TRN.pgp", "a.TRN"), ("a.TRN.zip.GPG", "a.TRN"), ("a.gz.asc", "a"), (".pgp", ".pgp"), ("a.pgp.pgp", "a.pgp")],
)
def test_the_endings_of_both_layers_are_taken_off_a_name(name: str, stem: str) -> None:
    assert stem_of(name) == stem


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x85",
        b"HDR 2022",
        b"\xc1\xc2\xc3 EBCDIC letters",
        b"\x85 cp1252 dots",
        "é accented".encode(),
        b"\xff\xfea\0",
    ],
)
def test_other_files_are_not_taken_for_openpgp(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert not is_pgp(tmp_path / "a")


def bit_flipped(content: bytes) -> bytes:
    damaged = bytearray(content)
    damaged[-40] ^= 1
    return bytes(damaged)


@pytest.mark.parametrize(
    ("make", "used", "reason"),
    [
        (lambda: message(b"text", to=STRANGER), OURS, "pgp_wrong_key"),
        (lambda: message(b"text"), None, "pgp_wrong_key"),
        (lambda: message(b"text"), keys("no key"), "pgp_wrong_key"),
        (lambda: message(b"text"), keys(str(FIRM), "no key"), "pgp_wrong_key"),
        (lambda: (SAMPLES / "gnupg_signed.pgp").read_bytes(), keys(sample("firm_private.asc")), "pgp_wrong_key"),
        (lambda: message(b"text", signer=STRANGER), OURS, "pgp_bad_signature"),
        (lambda: message(b"text", signer=None), OURS, "pgp_bad_signature"),
        (lambda: pysequoia.sign(STRANGER.signer(), b"text"), OURS, "pgp_bad_signature"),
        (lambda: b"not OpenPGP at all\n", OURS, "pgp_bad_signature"),
        (lambda: bit_flipped(message(b"text")), OURS, "malformed_document"),
        (lambda: message(b"text" * 100)[:-50], OURS, "malformed_document"),
        (lambda: message(b"text" * 100, armor=True)[:300], OURS, "malformed_document"),
        (lambda: (SAMPLES / "gnupg_clear.asc").read_bytes(), GNUPG, "malformed_document"),
        (lambda: str(FIRM.extract_certificate()).encode(), OURS, "malformed_document"),
        (lambda: message(message(b"text")), OURS, "malformed_document"),
        (lambda: zipped(message(b"text")), keys(require_signature=False), "malformed_document"),
        (lambda: message(zipped(zipped(b"text"))), OURS, "malformed_document"),
        (lambda: bit_flipped((SAMPLES / "gnupg_signed.pgp").read_bytes()), GNUPG, "malformed_document"),
        (
            lambda: (SAMPLES / "gnupg_signed.pgp").read_bytes(),
            keys(sample("firm_private.asc"), str(STRANGER.extract_certificate()), passphrase=PASSPHRASE),
            "pgp_bad_signature",
        ),
    ],
)
def test_what_is_not_proven_is_refused_by_name(
    tmp_path: Path, make: Callable[[], bytes], used: PgpKeys | None, reason: str
) -> None:
    fault = fault_of(make(), tmp_path, used)
    assert fault.reason == reason
    assert PASSPHRASE not in str(fault)
    assert "text" not in fault.detail
    assert "PRIVATE" not in str(fault)


def zipped(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", content)
    return target.getvalue()


def test_an_archive_inside_that_expands_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    assert fault_of(message(zipped(bytes(40_000_000))), tmp_path, OURS).reason == "archive_bomb"


def test_a_compressed_message_that_expands_beyond_the_ratio_is_refused(tmp_path: Path) -> None:
    # GnuPG's own compression, a thousandfold: 20 MB of NULs in a few KB.
    assert fault_of((SAMPLES / "gnupg_bomb.pgp").read_bytes(), tmp_path, GNUPG).reason == "archive_bomb"


def test_a_message_larger_than_the_library_holds_back_is_proven_before_it_is_given_out(tmp_path: Path) -> None:
    # Sequoia gives out text beyond 25 MB before it has seen the signature.
    text = os.urandom(1 << 20) * 30
    (tmp_path / "good").mkdir()
    assert opened(message(text), tmp_path / "good", OURS, "a.pgp") == ("a", text)
    (tmp_path / "bad").mkdir()
    assert fault_of(message(text, signer=STRANGER), tmp_path / "bad", OURS).reason == "pgp_bad_signature"


@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_of_several_keys_the_right_one_opens(tmp_path: Path, passphrase: str | None) -> None:
    used = keys(f"{STRANGER}\n{FIRM}", str(CUSTODIAN.extract_certificate()), passphrase=passphrase)
    assert opened(message(b"text"), tmp_path, used, "a.pgp") == ("a", b"text")


@given(st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_never_gets_past_the_layers(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray((SAMPLES / "gnupg_curve25519.pgp").read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    kept = data.draw(st.integers(at, len(content)))
    content[at] ^= data.draw(st.integers(1, 255))
    (tmp_path / "a").write_bytes(content[:kept])
    key = sample("curve25519_private.asc")
    try:
        unwrap(tmp_path / "a", (key,), None, tmp_path / "out")
    except FeedFault as fault:
        assert fault.reason in ("pgp_wrong_key", "malformed_document")  # noqa: PT017
        assert not (tmp_path / "out").exists()
    else:
        # What may be changed unseen stands before the encrypted data: sizes of numbers, the form of a length.
        assert at < len(content) - 250


def test_keys_come_by_reference_and_are_never_shown(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, text in (("key", sample("firm_private.asc")), ("pass", PASSPHRASE)):
        (secrets / name).write_text(text, encoding="ascii")
        (secrets / name).chmod(0o600)
    named = PgpSettings(
        private_key_ref="file:key",
        passphrase_ref="file:pass",
        signer_keys=(str(SAMPLES / "custodian_public.asc"),),
    )
    loaded = load_keys(named, secrets)
    assert loaded is not None
    assert PASSPHRASE not in repr(loaded)
    assert "BEGIN" not in repr(loaded)
    name, text = opened((SAMPLES / "gnupg_signed.pgp").read_bytes(), tmp_path, loaded, "a.pgp")
    assert (name, text) == ("a", TEXT)
    assert load_keys(None, secrets) is None

    (secrets / "pass").write_text("another", encoding="ascii")
    changed = load_keys(named, secrets)
    assert changed is not None
    assert changed.mark != loaded.mark


def test_a_reference_that_names_nothing_is_a_fault_of_the_files_that_need_it(tmp_path: Path) -> None:
    loaded = load_keys(PgpSettings(private_key_ref="file:absent", require_signature=False), tmp_path)
    fault = fault_of(message(b"text"), tmp_path, loaded)
    assert (fault.reason, "file:absent" in fault.detail) == ("pgp_wrong_key", True)
