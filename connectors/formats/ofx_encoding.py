"""The header of an OFX document and the character set that it declares.

OFX 1.x begins with ``KEY:VALUE`` lines (at times all on one line), OFX 2.x with an XML declaration and an
``<?OFX ...?>`` instruction. The declared character set is honoured, not guessed: US-ASCII stands for its superset
Windows-1252. UTF-16 is read when a byte order mark says so, and refused without one.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from typing import Final

from connectors.errors import FeedFault
from connectors.formats.lines import looks_wide

_HEADER_BYTES: Final = 4096
_KEYS: Final = "OFXHEADER|DATA|VERSION|SECURITY|ENCODING|CHARSET|COMPRESSION|OLDFILEUID|NEWFILEUID"
_PAIR = re.compile(rf"({_KEYS})\s*:\s*([^\s<]*?)(?=\s|<|$|(?:{_KEYS})\s*:)", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b([A-Za-z]+)\s*=\s*["']([^"'<>]*)["']""")
_CONTROL = re.compile(rb"[\x01-\x08\x0b\x0e-\x19\x1b-\x1f]")

CODECS: Final[Mapping[str, str]] = {
    "": "cp1252",
    "NONE": "cp1252",
    "USASCII": "cp1252",
    "US-ASCII": "cp1252",
    "ASCII": "cp1252",
    "1252": "cp1252",
    "WINDOWS-1252": "cp1252",
    "CP1252": "cp1252",
    "8859-1": "cp1252",
    "ISO-8859-1": "cp1252",
    "8859-15": "iso8859_15",
    "ISO-8859-15": "iso8859_15",
    "1250": "cp1250",
    "WINDOWS-1250": "cp1250",
    "1251": "cp1251",
    "WINDOWS-1251": "cp1251",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "CSUNICODE": "utf-8",
}
"""Declared ENCODING or CHARSET, upper case, to the Python codec. ISO 8859-1 is read as its superset Windows-1252."""


def header_of(content: bytes) -> dict[str, str]:
    """The header's keys, upper case, to their values: of the key lines, the XML declaration and the OFX instruction.

    Raises:
        FeedFault: empty_file; malformed_document when the body is compressed.
    """
    if not content.strip(b"\xef\xbb\xbf\x1a\0 \t\r\n\f"):
        raise FeedFault("empty_file", "the file holds nothing; ask the provider for a new delivery")
    head = content[:_HEADER_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode("latin-1", "replace")
    text = re.split(r"<OFX[\s>]", head.decode("latin-1"), maxsplit=1, flags=re.IGNORECASE)[0]
    header = {key.upper(): value for key, value in _PAIR.findall(text)}
    header |= {key.upper(): value for key, value in _ATTRIBUTE.findall(text)}
    if header.get("COMPRESSION", "NONE").upper() not in ("NONE", ""):
        raise FeedFault("malformed_document", "COMPRESSION other than NONE cannot be read", line=1)
    return header


def decode(content: bytes, header: Mapping[str, str]) -> str:
    """The document's text, without a byte order mark.

    Raises:
        FeedFault: binary_content; wrong_encoding for UTF-16 without a mark, when the bytes are not of the declared
            character set, or when that is not known.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        codec = "utf-16"
    else:
        body = content.rstrip(b"\0\x1a \t\r\n\f")
        found = body.find(b"\0")
        if found >= 0 and looks_wide(body):
            raise FeedFault("wrong_encoding", "UTF-16 without its byte order mark", line=_line(content, found))
        control = _CONTROL.search(body) if found < 0 else None
        if found >= 0 or control is not None:
            place = found if control is None else control.start()
            raise FeedFault("binary_content", "control characters: not a text file", line=_line(content, place))
        codec = "utf-8" if content.startswith(codecs.BOM_UTF8) else _codec(header)
    try:
        return content.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = _line(content, error.start)
        raise FeedFault("wrong_encoding", f"bytes that are not {codec}, as the header declares", line=line) from error


def _codec(header: Mapping[str, str]) -> str:
    encoding, charset = header.get("ENCODING", "").upper(), header.get("CHARSET", "").upper()
    if not header:
        return "utf-8"
    declared = encoding if charset in ("", "NONE") or CODECS.get(encoding) == "utf-8" else charset
    codec = CODECS.get(declared)
    if codec is None:
        raise FeedFault("wrong_encoding", "a character set that is not known; add it to CODECS", line=1)
    is_plain_xml = not encoding and not charset and header.get("OFXHEADER", "").startswith("2")
    return "utf-8" if is_plain_xml else codec


def _line(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1
