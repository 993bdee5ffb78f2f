"""OFX documents: the bytes of a statement in, a tree of elements with their line numbers out.

One reader for OFX 1.x (SGML: leaf elements need no end tag) and OFX 2.x (XML), tolerant of what real files do: end tags
on some leaves, everything on one line, tabs, empty leaves, bare ampersands. What the elements mean is not known here.
A document type, an entity declaration or an external reference is refused; depth, number of elements and length of a
text are bounded; time is linear in the size of the file and no recursion takes place.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from connectors.errors import FeedFault
from connectors.formats.ofx_elements import AGGREGATES, LISTS, Element, resolved
from connectors.formats.ofx_encoding import decode, header_of
from connectors.formats.ofx_shapes import Shapes

MAX_DEPTH: Final = 64
MAX_TAGS: Final = 10_000_000
MAX_TEXT_CHARACTERS: Final = 65_536
MAX_PROLOG_CHARACTERS: Final = 65_536

_ROOT = re.compile(r"<OFX(?=[\s>])", re.IGNORECASE)
_REFUSED = re.compile(r"<!(?!--)")
_NAME = r"[A-Za-z][A-Za-z0-9._-]{0,63}"
_TOKEN = re.compile(
    rf"<(?:/({_NAME})\s*>\s*"
    rf"|({_NAME})(?:\s[^<>]*?)?(/)?>([^<]*(?:<(?![A-Za-z/!?]|\Z)[^<]*)*)(</\2\s*>\s*)?)",
    re.ASCII,
)
_PADDING: Final = "\x1a\0 \t\r\n\f"


@dataclass(frozen=True, slots=True)
class Document:
    """A read OFX document: its header, its root element and the decoded text that offsets refer to."""

    header: Mapping[str, str]
    root: Element
    text: str

    def source_of(self, element: Element, limit: int = 4000) -> str:
        """The element's text as received, cut at ``limit`` characters."""
        return self.text[element.start : min(element.end, element.start + limit)]

    def line_of(self, element: Element, name: str) -> int:
        """1-based line of the first leaf ``name`` inside the element; the element's own line when there is none."""
        found = re.compile(rf"<{re.escape(name)}\b", re.IGNORECASE).search(self.text, element.start, element.end)
        if found is None:
            return element.line
        return element.line + self.text.count(newline_of(self.text), element.start, found.start())


@contextmanager
def cycle_search_paused() -> Iterator[None]:
    """A stretch in which Python does not look for garbage cycles.

    A tree has none, and looking for them costs as much as building it: each search visits every element made so far.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def newline_of(text: str) -> str:
    r"""The character that ends lines in ``text``: ``\n``, or ``\r`` where there is no ``\n``."""
    return "\n" if "\n" in text else "\r"


def read_document(content: bytes) -> Document:
    """The tree of an OFX document.

    Raises:
        FeedFault: empty_file, binary_content, wrong_encoding, truncated_file, too_large or malformed_document, with the
            line at which it shows.
    """
    header = header_of(content)
    text = decode(content, header)
    newline = newline_of(text)
    root = _ROOT.search(text, 0, MAX_PROLOG_CHARACTERS)
    refused = _REFUSED.search(text, 0, root.start() if root else MAX_PROLOG_CHARACTERS)
    if refused is not None:
        line = text.count(newline, 0, refused.start()) + 1
        raise FeedFault("malformed_document", "a document type or entity declaration is refused", line=line)
    if root is None:
        raise FeedFault("malformed_document", "no <OFX> element: not an OFX document", line=1)
    return Document(header, _Builder(text, newline, root.start()).build(), text)


def tags_in(content: bytes, tags: frozenset[str]) -> int:
    """How many start tags of those names the raw bytes hold: the record count of a file that cannot be read."""
    return sum(1 for found in re.finditer(rb"<([A-Za-z]{3,32})\s*>", content) if found[1].decode().upper() in tags)


class _Builder:
    """Builds the tree of one text from the left to the right, with the open aggregates on a stack."""

    def __init__(self, text: str, newline: str, start: int) -> None:
        self.text = text
        self.newline = newline
        self.first = start
        self.counted = start
        self.line = text.count(newline, 0, start) + 1
        self.stack: list[Element] = []
        self.root: Element | None = None
        self.last_leaf = ""
        self.shapes = Shapes()

    def build(self) -> Element:
        text, size, match, stack = self.text, len(self.text), _TOKEN.match, self.stack
        if text.count("<") > MAX_TAGS:
            raise self._fault(f"more than {MAX_TAGS} tags", 0, reason="too_large")
        start = self.first
        while start < size:
            if stack and stack[-1].tag in LISTS and (end := self._record(start)):
                start = end
                continue
            found = match(text, start)
            if found is None:
                start = self._irregular(start)
                continue
            closing, name, empty, content, closed = found.groups()
            end = found.end()
            if closing is not None:
                self._close(closing.upper(), start, end)
                start = end
                continue
            tag, content = name.upper(), content.strip()
            if content and stack and tag not in AGGREGATES and not empty:
                if "&" in content:
                    content = self._resolve(content, start)
                if len(content) > MAX_TEXT_CHARACTERS:
                    raise self._fault(f"a text of over {MAX_TEXT_CHARACTERS} characters", start, reason="too_large")
                stack[-1].fields.setdefault(tag, content)
                self.last_leaf = tag
            elif content:
                raise self._fault(f"text in <{tag}>, where elements must follow", start)
            elif stack and (closed or empty) and tag not in AGGREGATES:
                stack[-1].fields.setdefault(tag, "")
                self.last_leaf = tag
            else:
                self._open(tag, start)
                if closed or empty:
                    self._close(tag, start, end)
            start = end
        if self.root is None or stack:
            raise self._fault("the document ends before </OFX>", size, reason="truncated_file")
        return self.root

    def _record(self, start: int) -> int:
        """The place after the record that starts here, when it is like one read before; else 0."""
        if len(self.stack) > MAX_DEPTH // 2:
            return 0
        record = self.shapes.packed(self.text, start)
        if record is None:
            return 0
        record.line = self._line_at(start)
        self.stack[-1].children.append(record)
        self.last_leaf = ""
        return record.end

    def _line_at(self, start: int) -> int:
        self.line += self.text.count(self.newline, self.counted, start)
        self.counted = start
        return self.line

    def _open(self, tag: str, start: int) -> None:
        if self.root is not None and not self.stack:
            raise self._fault("content after </OFX>", start)
        if len(self.stack) >= MAX_DEPTH:
            raise self._fault(f"elements nested deeper than {MAX_DEPTH}", start)
        element = Element(tag, self._line_at(start), start)
        if self.stack:
            self.stack[-1].children.append(element)
        else:
            self.root = element
        self.stack.append(element)

    def _close(self, tag: str, start: int, end: int) -> None:
        stack = self.stack
        if not stack or stack[-1].tag != tag:
            if stack and tag == self.last_leaf:
                self.last_leaf = ""
                return
            if not any(element.tag == tag for element in stack):
                raise self._fault(f"</{tag}> closes what is not open", start)
            while stack[-1].tag != tag:
                self._dissolve(start)
        element = stack.pop()
        element.end = end
        self.last_leaf = ""
        if stack and not element.children and tag not in AGGREGATES and set(element.fields) <= {""}:
            stack[-1].children.pop()
            stack[-1].fields.setdefault(tag, element.fields.get("", ""))
        elif stack and stack[-1].tag in LISTS:
            self.shapes.learn(self.text, element.start, end)

    def _dissolve(self, start: int) -> None:
        """Turns the innermost open element, an empty leaf without end tag, into a leaf before its supposed content."""
        element = self.stack.pop()
        if element.tag in AGGREGATES:
            raise self._fault(f"<{element.tag}> of line {element.line} is not closed", start)
        parent = self.stack[-1]
        parent.children.pop()
        parent.fields.setdefault(element.tag, element.fields.pop("", ""))
        for name, content in element.fields.items():
            parent.fields.setdefault(name, content)
        parent.children.extend(element.children)

    def _irregular(self, start: int) -> int:
        """The position after a comment, a CDATA section, an instruction or the end's padding; else a fault."""
        text = self.text
        if text.startswith("<!--", start):
            end = self._after("-->", start + 4)
        elif text.startswith("<![CDATA[", start):
            end = self._after("]]>", start + 9)
            content = text[start + 9 : end - 3].strip()
            if not self.stack or len(content) > MAX_TEXT_CHARACTERS:
                raise self._fault("a CDATA section outside of any element, or too long", start)
            self.stack[-1].fields.setdefault("", content)
        elif text.startswith("<?", start):
            end = self._after("?>", start + 2)
        elif text.startswith("<!", start):
            raise self._fault("a document type or entity declaration is refused", start)
        elif text[start] != "<" and not text[start:].strip(_PADDING):
            end = len(text)
        elif text[start] != "<":
            raise self._fault("text outside of any element", start)
        elif text.find(">", start) < 0:
            raise self._fault("the document ends within a tag", start, reason="truncated_file")
        else:
            raise self._fault("not a tag", start)
        while end < len(text) and text[end].isspace():
            end += 1
        return end

    def _after(self, end: str, start: int) -> int:
        found = self.text.find(end, start)
        if found < 0:
            raise self._fault(f"the document ends before {end}", start, reason="truncated_file")
        return found + len(end)

    def _resolve(self, content: str, start: int) -> str:
        try:
            return resolved(content)
        except ValueError as error:
            raise self._fault(str(error), start) from None

    def _fault(self, detail: str, position: int, *, reason: str = "malformed_document") -> FeedFault:
        return FeedFault(reason, detail, line=self.text.count(self.newline, 0, position) + 1)
