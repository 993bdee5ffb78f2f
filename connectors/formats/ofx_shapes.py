"""Records that are written alike: one pattern reads a whole record, where the tree's builder takes it tag by tag.

A statement repeats a few shapes a hundred thousand times: the same tags in the same order with other texts. A shape is
learned from a record that the builder has read, only from a regular one (every leaf with a text, every aggregate known
and closed), so that what the pattern accepts is what the builder would have read. A record that fits no shape is left
to the builder. What stands in a list is kept as its place in the text, and opened when it is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from connectors.formats.ofx_elements import AGGREGATES, Element, resolved

MAX_SHAPES: Final = 48
"""Records of one name of which a shape is sought; enough for all combinations of leaves that a broker writes."""
MAX_RECORD_CHARACTERS: Final = 65_536
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._-]{0,63})>([^<]*)")
_NAME_AT = re.compile(r"<([A-Za-z][A-Za-z0-9._-]{0,63})>")
_INNER: Final = frozenset({
    "INVTRAN", "INVBUY", "INVSELL", "SECID", "CURRENCY", "ORIGCURRENCY", "STMTTRN", "INVPOS", "SECINFO",
})  # fmt: skip
"""Aggregates inside a record that a shape may have; what else may stand there has a meaning of its own."""
_BLANKS: Final = r"[ \t\r\n\f\v]*"


@dataclass(frozen=True, slots=True)
class _Part:
    """One aggregate of a shape: its name, the place of its parent (-1: none), its leaves, how to pick their texts."""

    tag: str
    parent: int
    names: tuple[str, ...]
    pick: Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The tags of a record in their order.

    Attributes:
        pattern: matches such a record; one group per leaf.
        parts: its aggregates, the record itself first.
    """

    pattern: re.Pattern[str]
    parts: tuple[_Part, ...]

    def element(self, text: str, place: Element) -> Element:
        """The record at a place, with its fields and aggregates; all of them stand at the record's line."""
        found = self.pattern.match(text, place.start)
        assert found is not None  # noqa: S101 (it matched when the place was noted)
        values = list(map(str.rstrip, found.groups()))
        if "&" in found[0]:
            values = [resolved(value) if "&" in value else value for value in values]
        made: list[Element] = []
        for part in self.parts:
            fields = dict(zip(part.names, part.pick(values), strict=True))
            inside = Element(part.tag, place.line, place.start, place.end, fields)
            if part.parent >= 0:
                made[part.parent].children.append(inside)
            made.append(inside)
        return made[0]


class Packed(Element):
    """A record that is known by its place and shape alone, until it is opened."""

    __slots__ = ("shape", "text")

    def __init__(self, tag: str, line: int, start: int, end: int, text: str, shape: Shape) -> None:
        self.tag, self.line, self.start, self.end = tag, line, start, end
        self.text, self.shape = text, shape

    @property
    def fields(self) -> dict[str, str]:  # type: ignore[override]
        """The record's leaves, read anew."""
        return self.opened().fields

    @property
    def children(self) -> list[Element]:  # type: ignore[override]
        """The record's aggregates, read anew."""
        return self.opened().children

    def opened(self) -> Element:
        """The record as an element of its own; every call reads it from the text."""
        return self.shape.element(self.text, self)


@dataclass
class Shapes:
    """The shapes seen in one document, by the name of the record as it is written."""

    known: dict[str, list[Shape]] = field(default_factory=dict)
    tried: dict[str, int] = field(default_factory=dict)

    def packed(self, text: str, start: int) -> Packed | None:
        """The record that starts here, its line still to be told, when it has a known shape; None: for the builder."""
        named = _NAME_AT.match(text, start)
        if named is None:
            return None
        shapes = self.known.get(named[1])
        if not shapes:
            return None
        fits = ((shape, found) for shape in shapes if (found := shape.pattern.match(text, start)))
        shape, found = next(fits, (None, None))
        if shape is None or found is None:
            return None
        if shape is not shapes[0]:
            shapes.remove(shape)
            shapes.insert(0, shape)
        end = found.end()
        # A reference by number may name no character, which is a fault with a place of its own.
        if end - start > MAX_RECORD_CHARACTERS or text.find("&#", start, end) >= 0:
            return None
        return Packed(shape.parts[0].tag, 0, start, end, text, shape)

    def learn(self, text: str, start: int, end: int) -> None:
        """Note the shape of a record that the builder has read, if it is regular."""
        if end - start > MAX_RECORD_CHARACTERS:
            return
        named = _NAME_AT.match(text, start)
        if named is None or self.tried.get(named[1], 0) >= MAX_SHAPES:
            return
        self.tried[named[1]] = self.tried.get(named[1], 0) + 1
        shape = _learned(text, start, end)
        if shape is not None:
            self.known.setdefault(named[1], []).append(shape)


def _tags(text: str, start: int, end: int) -> Iterator[tuple[bool, str, str]]:
    """Whether it closes, name and following text of each tag; nothing when the tags do not follow each other."""
    found = _TAG.findall(text, start, end)
    if len(found) == text.count("<", start, end):
        yield from ((bool(slash), name, content) for slash, name, content in found)


def _learned(text: str, start: int, end: int) -> Shape | None:
    """The shape of the record between two places, None when it is not regular."""
    pattern: list[str] = []
    parts: list[tuple[str, int, dict[str, int]]] = []
    stack: list[int] = []
    groups, leaf = 0, ""
    for closes, name, content in _tags(text, start, end):
        tag, is_blank, is_leaf_end = name.upper(), not content.strip(), closes and leaf == name
        leaf = ""
        if pattern and not stack:
            return None
        if closes:
            if not is_blank or not (is_leaf_end or parts[stack[-1]][0] == tag):
                return None
            if not is_leaf_end:
                stack.pop()
            pattern.append(rf"</{re.escape(name)}>{_BLANKS}")
        elif tag in AGGREGATES:
            if not is_blank or (stack and tag not in _INNER):
                return None
            parts.append((tag, stack[-1] if stack else -1, {}))
            stack.append(len(parts) - 1)
            pattern.append(rf"<{re.escape(name)}>\s*")
        elif is_blank or not stack:
            return None
        else:
            pattern.append(rf"<{re.escape(name)}>\s*([^<\s][^<]*)")
            parts[stack[-1]][2].setdefault(tag, groups)
            groups, leaf = groups + 1, name
    if stack or not parts:
        return None
    made = tuple(_Part(tag, parent, tuple(leaves), _picker(list(leaves.values()))) for tag, parent, leaves in parts)
    return Shape(re.compile("".join(pattern)), made)


def _picker(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    if len(places) > 1:
        return itemgetter(*places)
    return itemgetter(slice(places[0], places[0] + 1) if places else slice(0, 0))
