"""The encryption layer of an OpenPGP message taken off, so that what it wraps can be verified on its own.

The library verifies a signature that lies directly in the encryption layer, or in a compression layer, but refuses one
that lies in a compression layer inside the encryption layer, which is what GnuPG and most others write by default. Here
that outer layer is taken off and nothing is believed: the signed message that comes out is the library's to verify.

Done: session keys for RSA and ECDH (version 3 packets), private keys of version 4 in the clear or under a passphrase,
AES with a modification detection code (RFC 4880 sections 4, 5.1, 5.5.3, 5.13, 3.7.1.3; RFC 6637 sections 7, 8). Other
forms are refused. Memory does not grow with the message.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import itertools
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, x25519
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

from connectors.errors import FeedFault

_CHUNK_BYTES: Final = 1 << 20
_MAX_PACKET_BYTES: Final = 64 * 1024
"""Of every packet but the encrypted data."""

_AES: Final = {7: 16, 8: 24, 9: 32}
_HASHES: Final = {2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}
_CURVES: Final[dict[bytes, ec.EllipticCurve]] = {
    bytes.fromhex("2a8648ce3d030107"): ec.SECP256R1(),
    bytes.fromhex("2b81040022"): ec.SECP384R1(),
    bytes.fromhex("2b81040023"): ec.SECP521R1(),
}
_CURVE25519: Final = bytes.fromhex("2b060104019755010501")
_RSA, _ECDH = (1, 2), 18


class _Unsupported(Exception):
    """A key or message of a form that is not done here, or bytes that are none."""


@dataclass(frozen=True)
class _SecretKey:
    """A private key that may decrypt: its public part as stated, and its secret numbers."""

    key_id: bytes
    fingerprint: bytes
    algorithm: int
    public: bytes
    secret: bytes


def unwrap(path: Path, private_keys: tuple[str, ...], passphrase: str | None, destination: Path) -> None:
    """Write what the encryption layer of ``path`` holds to ``destination``: the packets of another message.

    Raises:
        FeedFault: ``pgp_wrong_key`` when none of the keys opens it; ``malformed_document`` when it is damaged or of a
            form that is not done here.
    """
    try:
        keys = [key for text in private_keys for key in _keys(text, passphrase)]
        with path.open("rb") as stream:
            _unwrap(_Reader(_dearmored(stream)), keys, destination)
    except (_Unsupported, UnsupportedAlgorithm, ValueError, IndexError, EOFError):
        destination.unlink(missing_ok=True)
        raise FeedFault("malformed_document", "the OpenPGP message is corrupt or of an unsupported kind") from None


def _unwrap(reader: _Reader, keys: list[_SecretKey], destination: Path) -> None:
    session = None
    while (header := reader.header()) is not None:
        tag, length = header
        if tag == 18:
            if session is None:
                raise FeedFault("pgp_wrong_key", "it is encrypted for another key than the connection's")
            _decrypt(reader.body(length), *session, destination)
            return
        packet = b"".join(reader.body(length, _MAX_PACKET_BYTES))
        if tag == 1 and session is None:
            session = _session_key(packet, keys)
    raise _Unsupported


def _decrypt(body: Iterator[bytes], algorithm: int, key: bytes, destination: Path) -> None:
    """Encrypted data of version 1: CFB, a random prefix whose end repeats, and a SHA-1 of it all at the end."""
    first = next(body, b"")
    if first[:1] != b"\x01" or len(key) != _AES.get(algorithm):
        raise _Unsupported
    decryptor = Cipher(AES(key), CFB(bytes(16))).decryptor()
    digest = hashlib.sha1(usedforsecurity=False)
    held, prefix_left = b"", 18
    with destination.open("wb") as target:
        for chunk in itertools.chain((first[1:],), body):
            held += decryptor.update(chunk)
            ready, held = held[:-22], held[-22:]
            digest.update(ready)
            target.write(ready[prefix_left:])
            prefix_left -= min(prefix_left, len(ready))
    digest.update(held[:2])
    if prefix_left or held[:2] != b"\xd3\x14" or not hmac.compare_digest(held[2:], digest.digest()):
        raise _Unsupported


# --- session keys -----------------------------------------------------------------------------------------------------


def _session_key(packet: bytes, keys: list[_SecretKey]) -> tuple[int, bytes] | None:
    """Algorithm and session key, or None when the packet is for none of the keys."""
    if packet[0] != 3:
        return None
    key_id, algorithm, numbers = packet[1:9], packet[9], packet[10:]
    for key in keys:
        is_of_its_kind = (algorithm in _RSA) == (key.algorithm in _RSA)
        if key_id not in (key.key_id, bytes(8)) or not is_of_its_kind:
            continue
        try:
            opened = _by_rsa(key, numbers) if algorithm in _RSA else _by_ecdh(key, numbers)
        except (ValueError, IndexError, InvalidUnwrap):
            continue
        cipher, session, checksum = opened[0], opened[1:-2], opened[-2:]
        if len(session) == _AES.get(cipher) and sum(session) & 0xFFFF == int.from_bytes(checksum, "big"):
            return cipher, session
    return None


def _by_rsa(key: _SecretKey, numbers: bytes) -> bytes:
    (encrypted,) = _integers(numbers, 1)
    n, e = _integers(key.public, 2)
    d, p, q, _ = _integers(key.secret, 4)
    private = rsa.RSAPrivateNumbers(
        p, q, d, d % (p - 1), d % (q - 1), rsa.rsa_crt_iqmp(p, q), rsa.RSAPublicNumbers(e, n)
    ).private_key()
    return private.decrypt(encrypted.to_bytes((n.bit_length() + 7) // 8, "big"), padding.PKCS1v15())


def _by_ecdh(key: _SecretKey, numbers: bytes) -> bytes:
    if key.algorithm != _ECDH:
        raise ValueError("not a key for it")
    at = key.public[0] + 1
    curve = key.public[1:at]
    point_bytes = 2 + (int.from_bytes(key.public[at : at + 2], "big") + 7) // 8
    _, _, hash_code, wrap_code = key.public[at + point_bytes : at + point_bytes + 4]
    size = (int.from_bytes(numbers[:2], "big") + 7) // 8
    ephemeral, wrapped = numbers[2 : 2 + size], numbers[3 + size : 3 + size + numbers[2 + size]]
    (scalar,) = _integers(key.secret, 1)
    if curve == _CURVE25519:
        # The scalar is stated most significant byte first, the library wants the other order.
        private = x25519.X25519PrivateKey.from_private_bytes(scalar.to_bytes(32, "big")[::-1])
        shared = private.exchange(x25519.X25519PublicKey.from_public_bytes(ephemeral[1:]))
    elif curve in _CURVES:
        point = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[curve], ephemeral)
        shared = ec.derive_private_key(scalar, _CURVES[curve]).exchange(ec.ECDH(), point)
    else:
        raise _Unsupported
    parameters = (
        key.public[:at] + bytes([_ECDH, 3, 1, hash_code, wrap_code]) + b"Anonymous Sender    " + key.fingerprint
    )
    derived = hashlib.new(_HASHES[hash_code], b"\x00\x00\x00\x01" + shared + parameters).digest()
    padded = aes_key_unwrap(derived[: _AES[wrap_code]], wrapped)
    return padded[: -padded[-1]]


# --- private keys -----------------------------------------------------------------------------------------------------


def _keys(text: str, passphrase: str | None) -> Iterator[_SecretKey]:
    """The keys and subkeys of armored text that are of a kind that may decrypt."""
    end = "-----END PGP PRIVATE KEY BLOCK-----"
    for block in text.split(end)[:-1]:
        body = block.partition("-----BEGIN PGP PRIVATE KEY BLOCK-----")[2].replace("\r", "").partition("\n\n")[2]
        lines = [line.strip() for line in body.splitlines() if line.strip() and not line.startswith("=")]
        reader = _Reader(iter([base64.b64decode("".join(lines))]))
        while (header := reader.header()) is not None:
            tag, length = header
            packet = b"".join(reader.body(length, _MAX_PACKET_BYTES))
            if tag in (5, 7) and packet[0] == 4 and packet[5] in (*_RSA, _ECDH):
                yield _secret_key(packet, passphrase)


def _secret_key(packet: bytes, passphrase: str | None) -> _SecretKey:
    algorithm = packet[5]
    at = 6 + _public_bytes(algorithm, packet[6:])
    fingerprint = hashlib.sha1(b"\x99" + at.to_bytes(2, "big") + packet[:at], usedforsecurity=False).digest()
    usage, rest = packet[at], packet[at + 1 :]
    if usage == 0:
        secret = rest[:-2]
    elif usage == 254:
        cipher, kind, hash_code, salt, count = rest[0], rest[1], rest[2], rest[3:11], rest[11]
        if kind != 3:
            raise _Unsupported
        key = _stretched((passphrase or "").encode(), _HASHES[hash_code], salt, count, _AES[cipher])
        opened = Cipher(AES(key), CFB(rest[12:28])).decryptor().update(rest[28:])
        secret = opened[:-20]
        if not hmac.compare_digest(hashlib.sha1(secret, usedforsecurity=False).digest(), opened[-20:]):
            raise FeedFault("pgp_wrong_key", "the connection's private key is locked by another passphrase")
    else:
        raise _Unsupported
    return _SecretKey(fingerprint[-8:], fingerprint, algorithm, packet[6:at], secret)


def _stretched(passphrase: bytes, name: str, salt: bytes, coded_count: int, size: int) -> bytes:
    """A key from a passphrase: the salted text hashed over and over."""
    count = (16 + (coded_count & 15)) << ((coded_count >> 4) + 6)
    text = salt + passphrase
    count = max(count, len(text))
    key = b""
    while len(key) < size:
        digest = hashlib.new(name, bytes(len(key) // hashlib.new(name).digest_size), usedforsecurity=False)
        block = text * (65_536 // len(text) + 1)
        left = count
        while left >= len(block):
            digest.update(block)
            left -= len(block)
        digest.update(block[:left])
        key += digest.digest()
    return key[:size]


def _public_bytes(algorithm: int, public: bytes) -> int:
    """Bytes of the public part, which ends where the secret part begins."""
    if algorithm in _RSA:
        at = 0
        for _ in range(2):
            at += 2 + (int.from_bytes(public[at : at + 2], "big") + 7) // 8
        return at
    at = public[0] + 1
    at += 2 + (int.from_bytes(public[at : at + 2], "big") + 7) // 8
    return at + 1 + public[at]


def _integers(data: bytes, count: int) -> list[int]:
    found, at = [], 0
    for _ in range(count):
        size = (int.from_bytes(data[at : at + 2], "big") + 7) // 8
        if at + 2 + size > len(data):
            raise EOFError
        found.append(int.from_bytes(data[at + 2 : at + 2 + size], "big"))
        at += 2 + size
    return found


# --- packets ----------------------------------------------------------------------------------------------------------


class _Reader:
    """Packets out of chunks of bytes."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""

    def header(self) -> tuple[int, int | None] | None:
        """Tag and length of the next packet, None at the end. The length is negative for a first part, None for all."""
        first = self._take(1)
        if not first:
            return None
        if not first[0] & 0x80:
            raise _Unsupported
        if first[0] & 0x40:
            return first[0] & 0x3F, self._length()
        kind = first[0] & 3
        return first[0] >> 2 & 0xF, None if kind == 3 else int.from_bytes(self._exactly(1 << kind), "big")

    def body(self, length: int | None, bound: int | None = None) -> Generator[bytes, None, None]:
        """The content of a packet, its parts put together."""
        taken = 0
        while True:
            is_part = length is not None and length < 0
            left = None if length is None else abs(length)
            while left is None or left:
                chunk = self._take(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
                if not chunk:
                    if left is None:
                        return
                    raise EOFError
                taken += len(chunk)
                if bound is not None and taken > bound:
                    raise _Unsupported
                left = None if left is None else left - len(chunk)
                yield chunk
            if not is_part:
                return
            length = self._length()

    def _length(self) -> int:
        first = self._exactly(1)[0]
        if first < 192:
            return first
        if first < 224:
            return ((first - 192) << 8) + self._exactly(1)[0] + 192
        if first == 255:
            return int.from_bytes(self._exactly(4), "big")
        return -(1 << (first & 0x1F))

    def _exactly(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            chunk = self._take(size - len(found))
            if not chunk:
                raise EOFError
            found += chunk
        return found

    def _take(self, size: int) -> bytes:
        if not self._held:
            self._held = next(self._chunks, b"")
        taken, self._held = self._held[:size], self._held[size:]
        return taken


def _dearmored(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a message, out of its armor where it is in one."""
    head = stream.read(64)
    stream.seek(0)
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"-----BEGIN PGP MESSAGE-----"):
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk
        return
    is_inside, held = False, b""
    for line in iter(lambda: stream.readline(_CHUNK_BYTES), b""):
        text = line.strip()
        if not is_inside:
            is_inside = not text
            continue
        if text.startswith((b"-----END", b"=")):
            break
        held += text
        if len(held) >= _CHUNK_BYTES:
            whole = len(held) // 4 * 4
            yield binascii.a2b_base64(held[:whole])
            held = held[whole:]
    yield binascii.a2b_base64(held)
