"""XML whose data are attributes: elements of one name as a frame of texts, each with its line and place in the file.

The bytes go through expat in blocks. A document type (and with it every entity and external reference) is refused;
depth, number of elements and length of a tag are bounded. What an element means is not known here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any, Final
from xml.parsers import expat

import polars as pl

from connectors.errors import FeedFault

BLOCK_BYTES: Final = 1024**2
MAX_TAG_BYTES: Final = 4 * 1024**2
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 10_000_000
ROWS_A_FRAME: Final = 20_000
RAW_CHARACTERS: Final = 4000
STRANGERS: Final = ""
"""Key of the frame that holds elements of names that nobody expects."""

_PADDING: Final = b"\xef\xbb\xbf\0\x1a \t\r\n\f"
_CUT_OFF: Final = frozenset({
    expat.errors.codes[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS, expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR, expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
})  # fmt: skip
_ENCODING: Final = frozenset(
    {
        expat.errors.codes[expat.errors.XML_ERROR_UNKNOWN_ENCODING],
        expat.errors.codes[expat.errors.XML_ERROR_INCORRECT_ENCODING],
    }
)
_INVALID: Final = expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_WIDE: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NUMBERS: Final = {"line": pl.Int64, "start": pl.Int64, "scope": pl.Int64}
_PLACES: Final = {**_NUMBERS, "lacks": pl.String}


@dataclass(frozen=True)
class Elements:
    """The elements of one document.

    Attributes:
        root: name of the outermost element.
        frames: name to its elements in file order: ``line`` (1-based), ``start`` (offset of the tag in the file),
            ``scope`` (how many elements of the scope's name had begun), ``lacks`` (``|a|b|``: wanted attributes that
            the element does not have), and a String column per wanted attribute: stripped, null when absent or
            blank. Under ``STRANGERS`` those of other names, with their ``name``.
        counts: name to the number of its elements, of all names that hold data.
    """

    root: str
    frames: Mapping[str, pl.DataFrame]
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Shape:
    """How to take the wanted attributes out of elements that have the same attributes in the same order.

    ``pick`` reads them from the list of names and values with one more item, which stands for those that are absent.
    """

    attributes: list[str]
    lacks: str
    pick: Callable[[Sequence[str | None]], Sequence[str | None]]


@dataclass(slots=True)
class _Waiting:
    """Elements of one name that are not in a frame yet."""

    places: list[tuple[int, int, int, str]] = field(default_factory=list)
    rows: list[Sequence[str | None]] = field(default_factory=list)


class _Collector:
    def __init__(self, wanted: Mapping[str, Sequence[str]], ignored: Collection[str], scope: str) -> None:
        self.wanted, self.ignored, self.scope_name = wanted, frozenset(ignored), scope
        self.parser = expat.ParserCreate()
        self.parser.ordered_attributes = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        for handler in ("StartDoctypeDeclHandler", "EntityDeclHandler", "ExternalEntityRefHandler"):
            setattr(self.parser, handler, self.refuse)
        self.root = ""
        self.depth = self.scope = self.total = 0
        self.counts: dict[str, int] = {}
        self.shapes: dict[tuple[str, ...], _Shape] = {}
        self.latest: dict[str, _Shape] = {}
        self.waiting = {name: _Waiting() for name in wanted}
        self.frames: dict[str, list[pl.DataFrame]] = {name: [] for name in wanted}
        self.strangers: list[tuple[int, int, int, str]] = []

    def refuse(self, *_: object) -> None:
        detail = "a document type or entity declaration is refused"
        raise FeedFault("malformed_document", detail, line=self.parser.CurrentLineNumber)

    def start(self, name: str, attributes: list[Any]) -> None:
        self.depth += 1
        self.total += 1
        if self.depth == 1:
            self.root = name
        elif self.depth > MAX_DEPTH or self.total > MAX_ELEMENTS:
            self._too_much()
        if not attributes:  # a container, whatever its name
            return
        if name == self.scope_name:
            self.scope += 1
        shape = self.latest.get(name)
        if shape is None or shape.attributes != attributes[::2]:
            if name not in self.wanted:
                self._other(name)
                return
            shape = self._shape(name, attributes[::2])
        waiting, parser = self.waiting[name], self.parser
        waiting.places.append((parser.CurrentLineNumber, parser.CurrentByteIndex, self.scope, shape.lacks))
        attributes.append(None)
        waiting.rows.append(shape.pick(attributes))
        if len(waiting.rows) >= ROWS_A_FRAME:
            self._flush(name)

    def end(self, _: str) -> None:
        self.depth -= 1

    def finished(self) -> Elements:
        for name in self.wanted:
            self._flush(name)
        frames = {
            name: pl.concat(parts) if parts else _no_rows(self.wanted[name]) for name, parts in self.frames.items()
        }
        counts = self.counts | {name: frame.height for name, frame in frames.items() if frame.height}
        schema = {**_NUMBERS, "name": pl.String}
        frames[STRANGERS] = pl.DataFrame(self.strangers, schema=schema, orient="row")
        return Elements(self.root, frames, counts)

    def _too_much(self) -> None:
        if self.depth > MAX_DEPTH:
            detail = f"elements nested deeper than {MAX_DEPTH}"
            raise FeedFault("malformed_document", detail, line=self.parser.CurrentLineNumber)
        raise FeedFault("too_large", f"more than {MAX_ELEMENTS} elements", line=self.parser.CurrentLineNumber)

    def _other(self, name: str) -> None:
        self.counts[name] = self.counts.get(name, 0) + 1
        if name not in self.ignored:
            place = self.parser.CurrentLineNumber, self.parser.CurrentByteIndex, self.scope
            self.strangers.append((*place, name[:200]))

    def _shape(self, name: str, attributes: list[str]) -> _Shape:
        key = (name, *attributes)
        shape = self.shapes.get(key)
        if shape is None:
            places = {attribute: 2 * place + 1 for place, attribute in enumerate(attributes)}
            wanted = self.wanted[name]
            lacks = "|".join(["", *(attribute for attribute in wanted if attribute not in places), ""])
            pick = itemgetter(*(places.get(attribute, -1) for attribute in wanted), -1)
            shape = self.shapes[key] = _Shape(attributes, lacks, pick)
        self.latest[name] = shape
        return shape

    def _flush(self, name: str) -> None:
        waiting, wanted = self.waiting[name], self.wanted[name]
        if not waiting.rows:
            return
        columns = list(zip(*waiting.rows, strict=True))[: len(wanted)]
        texts = [pl.Series(a, column, dtype=pl.String) for a, column in zip(wanted, columns, strict=True)]
        places = zip(*waiting.places, strict=True)
        known = [pl.Series(a, column, dtype=t) for (a, t), column in zip(_PLACES.items(), places, strict=True)]
        stripped = pl.col(wanted).str.strip_chars()
        self.frames[name].append(pl.DataFrame([*known, *texts]).with_columns(pl.when(stripped != "").then(stripped)))
        waiting.places.clear()
        waiting.rows.clear()


def read_elements(
    path: Path, *, wanted: Mapping[str, Sequence[str]], ignored: Collection[str] = (), scope: str = ""
) -> Elements:
    """The document's elements.

    Args:
        path: the file.
        wanted: name to the attributes that are to be read.
        ignored: names that are counted only. An element of yet another name is a stranger. Elements without any
            attribute are containers, of which no notice is taken.
        scope: name of the elements that part the document.

    Raises:
        FeedFault: empty_file, binary_content, wrong_encoding, truncated_file, too_large or malformed_document, with
            the line at which it shows.
    """
    collector = _Collector(wanted, ignored, scope)
    fed, is_blank = 0, True
    with path.open("rb") as stream:
        is_wide = stream.read(2) in _WIDE
        stream.seek(0)
        size = path.stat().st_size
        try:
            while block := stream.read(BLOCK_BYTES):
                is_blank = is_blank and not block.strip(_PADDING)
                # What pads the end of a file, XML does not allow.
                is_last = stream.tell() == size and not is_wide
                collector.parser.Parse(block.rstrip(_PADDING) if is_last else block, False)
                fed += len(block)
                if fed - max(collector.parser.CurrentByteIndex, 0) > MAX_TAG_BYTES:
                    line = collector.parser.CurrentLineNumber
                    raise FeedFault("too_large", f"a tag of more than {MAX_TAG_BYTES} bytes", line=line)
            if is_blank:
                raise FeedFault("empty_file", "the file holds nothing; ask the provider for a new delivery")
            collector.parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise _fault(path, error) from None
        except (LookupError, ValueError):
            if collector.total:
                raise
            detail = "a character set that is not known, or of several bytes; ask for UTF-8"
            raise FeedFault("wrong_encoding", detail, line=1) from None
    return collector.finished()


def texts_at(path: Path, starts: Sequence[int]) -> list[str]:
    """The tags that begin at these offsets of the file, as received, each cut at ``RAW_CHARACTERS``."""
    found = []
    with path.open("rb") as stream:
        codec = _codec(stream.read(200))
        for start in starts:
            stream.seek(start)
            text = stream.read(RAW_CHARACTERS * 4).decode(codec, "replace")
            following = text.find("<", 1)
            found.append((text if following < 0 else text[:following]).rstrip()[:RAW_CHARACTERS])
    return found


def _fault(path: Path, error: expat.ExpatError) -> FeedFault:
    """What expat found, in the words of ``contracts.vocabularies.FILE_REASONS``."""
    code, line = error.code, error.lineno
    content = path.read_bytes()
    if code in _CUT_OFF or (code == _INVALID and not content.rstrip(_PADDING).endswith(b">")):
        if b"<" in content[:4096]:
            return FeedFault("truncated_file", "the document ends before its last end tag", line=line)
        return FeedFault("malformed_document", "not an XML document", line=line)
    if code in _ENCODING:
        return FeedFault("wrong_encoding", "a character set that the document declares but is not in", line=line)
    if content.rstrip(_PADDING).find(b"\0") >= 0 and not content.startswith(_WIDE):
        return FeedFault("binary_content", "NUL bytes: not a text file", line=line)
    if code == _INVALID:
        try:
            content.decode(_codec(content[:200]))
        except UnicodeDecodeError:
            detail = "bytes that are not of the declared character set"
            return FeedFault("wrong_encoding", detail, line=line)
    return FeedFault("malformed_document", f"not well-formed XML ({expat.errors.messages[code]})", line=line)


def _codec(head: bytes) -> str:
    if head.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    if head.startswith(codecs.BOM_UTF16_BE):
        return "utf-16-be"
    declared = _DECLARED.match(head.removeprefix(codecs.BOM_UTF8))
    try:
        return codecs.lookup(declared[1].decode()).name if declared else "utf-8"
    except LookupError:
        return "utf-8"


def _no_rows(wanted: Sequence[str]) -> pl.DataFrame:
    return pl.DataFrame(schema={**_PLACES, **dict.fromkeys(wanted, pl.String)})
