"""The skeleton of a connector: a small one that works, written under a name of its own.

``files/`` holds it with placeholders; ``write_skeleton`` fills them in. docs/newcomers/custodian.md walks through what
it writes, and a test follows that page to the letter.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Final

_FILES: Final = Path(__file__).resolve().parent / "files"
_SLUG: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")
_ROOMS: Final = {"custodian": "custodians"}
_SUFFIX: Final = ".skeleton"
_TAKEN: Final = (
    "formats",
    "transport",
    "skeleton",
    "custodians",
    "market_data",
    "connectors",
    "nexus",
    "every",
    "text",
)
"""Names whose tests, folders or keys are something else's."""


class SkeletonError(Exception):
    """A skeleton that cannot be written; the message says why."""


def write_skeleton(root: Path, slug: str, title: str, market: str) -> list[Path]:
    """Write ``connectors/custodians/<slug>/`` and its test under ``root``; returns the files.

    Raises:
        SkeletonError: not a usable name, a folder that exists already, or no project at ``root``.
    """
    if market not in _ROOMS:
        raise SkeletonError(f"no skeleton for {market!r}; there is one for: {', '.join(_ROOMS)}")
    if not _SLUG.fullmatch(slug) or keyword.iskeyword(slug):
        raise SkeletonError(f"{slug!r} is no name for a connector: lower-case letters, digits and underscores, 2 to 41")
    if slug in _TAKEN or (root / "connectors" / "market_data" / slug).exists():
        raise SkeletonError(f"{slug!r} is the name of something else here; choose another")
    room = root / "connectors" / _ROOMS[market]
    if not room.is_dir():
        raise SkeletonError(f"{root} is not the project's folder; give it with --root")
    folder, test = room / slug, root / "tests" / "connectors" / f"test_{slug}_golden.py"
    if taken := [path for path in (folder, test) if path.exists()]:
        raise SkeletonError(f"{taken[0]} exists already")
    if re.search(r"[\"\\{}\n]", title):
        raise SkeletonError("the provider's name must not hold quotes, braces or backslashes")
    written: list[Path] = []
    for source in sorted(_FILES.rglob(f"*{_SUFFIX}")):
        name = _filled(str(source.relative_to(_FILES)).removesuffix(_SUFFIX), slug, title)
        path = test if name == "golden_test.py" else folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_filled(source.read_text(encoding="utf-8"), slug, title), encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _filled(text: str, slug: str, title: str) -> str:
    return text.replace("@slug@", slug).replace("@title@", title)
