"""JSON that a service's answers land as: one document, or one page to a line; numbers are kept as the text they are.

A number never passes through a float. It is given as plain decimal text, an exponent written out. What a page means is
the connector's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

from connectors.errors import FeedFault

MAX_BYTES: Final = 64 * 1024**2
MAX_DEPTH: Final = 64
MAX_PAGES: Final = 10_000
_MAX_EXPONENT: Final = 40
_MAX_NUMBER: Final = 60
_BOM: Final = b"\xef\xbb\xbf"


def read_pages(path: Path, *, max_bytes: int = MAX_BYTES) -> list[Mapping[str, Any]]:
    """The file's pages, each a JSON object; numbers in them are ``str``.

    A file whose first line is a document has one to a line; any other is one document.

    Raises:
        FeedFault: empty_file, too_large, wrong_encoding (not UTF-8), binary_content (a NUL), truncated_file (the last
            document breaks off), malformed_document (no JSON, no object, too deep), each with its line.
    """
    if path.stat().st_size > max_bytes:
        raise FeedFault("too_large", f"the file is larger than {max_bytes} bytes. Ask for fewer items at a time.")
    text = _decoded(path.read_bytes())
    if not text.strip():
        raise FeedFault("empty_file", "the file holds no text. Ask the service again.")
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    try:
        first = _loads(lines[0][1])
    except ValueError:
        return [_object(_document(text, 1), 1)]
    if len(lines) > MAX_PAGES:
        raise FeedFault("too_large", f"the file has more than {MAX_PAGES} pages.", line=MAX_PAGES)
    return [_object(first, lines[0][0]), *(_object(_document(line, number), number) for number, line in lines[1:])]


def records_frame(records: Sequence[object], names: Sequence[str]) -> pl.DataFrame:
    """Records as a frame, a row each: ``line`` (its ordinal from 1), ``text`` (as JSON) and the members ``names``.

    Members are stripped text, null where absent, null or blank; true and false are words; what is nested is JSON text.
    A record that is no object has nulls alone, and ``is_object`` false. A loop per record is how JSON is read: such
    answers hold thousands of records, not millions.
    """
    return pl.DataFrame(
        {
            "line": pl.int_range(1, len(records) + 1, dtype=pl.Int64, eager=True),
            "text": pl.Series([_sound(_dumped(record)) for record in records], dtype=pl.String),
            **_members(records, names),
        }
    )


def lines_frame(lines: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Lines that hold a JSON object each, as ``records_frame`` gives records; ``line`` and ``text`` stay as they are.

    ``is_object`` is false for a line that is no JSON, no object or nested too deep. A million lines take about ten
    seconds: an exact number can be had from JSON text by a parser alone.
    """
    return lines.with_columns(**_members([_line_object(text) for text in lines["text"]], names))


def _line_object(text: str) -> object:
    try:
        return _loads(text)
    except ValueError:
        return None


def _members(records: Sequence[object], names: Sequence[str]) -> dict[str, pl.Series]:
    rows = [record if isinstance(record, dict) else {} for record in records]
    columns = {name: pl.Series([_text(row.get(name)) for row in rows], dtype=pl.String) for name in names}
    return {"is_object": pl.Series([isinstance(record, dict) for record in records], dtype=pl.Boolean), **columns}


def _decoded(content: bytes) -> str:
    if content.startswith(_BOM):
        content = content[len(_BOM) :]
    at = content.find(b"\0")
    if at >= 0:
        line = content.count(b"\n", 0, at) + 1
        raise FeedFault("binary_content", "the file holds NUL bytes: it is no JSON text.", line=line)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise FeedFault("wrong_encoding", "the file is not UTF-8, which JSON is.", line=line) from None


def _document(text: str, line: int) -> object:
    try:
        return _loads(text)
    except json.JSONDecodeError as error:
        line += text.count("\n", 0, error.pos)
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        if is_cut:
            raise FeedFault("truncated_file", "the JSON breaks off. Ask the service again.", line=line) from None
        raise FeedFault("malformed_document", "the text is no JSON. Ask the service again.", line=line) from None
    except ValueError:
        raise FeedFault("malformed_document", "a number of the JSON is none, or it is nested too deep.") from None


def _loads(text: str) -> object:
    try:
        found = _DECODER.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if _depth(found) > MAX_DEPTH:
        raise ValueError("nested too deep")
    return found


def _number(text: str) -> str:
    """The number as plain decimal text; one that is beyond all reason stays as it is and fails where it is read."""
    if "e" not in text and "E" not in text:
        return text
    if len(text) > _MAX_NUMBER:
        return text
    value = Decimal(text)
    exponent = value.adjusted()
    return f"{value:f}" if abs(exponent) <= _MAX_EXPONENT else text


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)


def _depth(document: object) -> int:
    """Levels of nesting, counted level by level."""
    level, depth = [document], 0
    while level and depth <= MAX_DEPTH:
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(value for value in item.values() if isinstance(value, dict | list))
            elif isinstance(item, list):
                below.extend(value for value in item if isinstance(value, dict | list))
        level, depth = below, depth + 1
    return depth


def _object(document: object, line: int) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise FeedFault("malformed_document", "a page is no JSON object.", line=line)
    return document


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return _sound(value if isinstance(value, str) else _dumped(value)).strip() or None


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sound(text: str) -> str:
    """Without lone surrogates and NULs, which JSON can write and no table can hold."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
