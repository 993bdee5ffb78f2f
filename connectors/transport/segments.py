"""The spool of a stream: messages gathered into segments, which appear under their names whole or not at all.

A segment is NDJSON: a message per line as it came, line breaks within it (JSON has them between tokens only) as
spaces. Its name states its numbers: ``<prefix>[_<session>]_<first>-<last>.ndjson``. What holds no number lies apart in
``<prefix>_stray_<time>.ndjson``; a message that is no JSON is kept there in base64.

Beside them, hidden: ``.state.json``, the numbers that have come and are missing, and ``.lock``. The numbers of a
segment are in the state before it has its name, and what is left of a segment by a crash is closed at the next start;
so no number is written twice.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, Self

import orjson

from connectors.errors import PermanentError
from connectors.services import StreamTransport
from connectors.transport.clock import Clock
from connectors.transport.paging import line
from connectors.transport.pointer import pointed
from connectors.transport.sequences import Sequences, Verdict

MAX_SESSIONS: Final = 8
"""Sessions whose numbers are remembered; the oldest is forgotten first."""

_STATE: Final = ".state.json"
_ENDING: Final = ".ndjson"
_PART: Final = ".part"
_STRAY: Final = "stray"
_SESSION: Final = re.compile(r"[A-Za-z0-9-]{1,40}")
_MAX_NUMBER: Final = 2**63 - 1

Place = tuple[str, int]
"""Session ('' where there are none) and number of a message."""


class _Segment:
    """A file that is being written."""

    def __init__(self, path: Path, session: str, now: float) -> None:
        self.path = path
        self.session = session
        self.opened_at = now
        self.messages = 0
        self.size_bytes = 0
        self.numbers: tuple[int, int] | None = None
        self.stream: BinaryIO = path.open("xb")

    def write(self, content: bytes, number: int | None = None) -> None:
        self.size_bytes += self.stream.write(content)
        self.messages += 1
        if number is not None:
            first, last = self.numbers or (number, number)
            self.numbers = min(first, number), max(last, number)


class Spool:
    """The writing side of a spool. A context manager: entering takes it for this process, leaving closes its segments.

    Attributes:
        closed: names of the segments that were closed.
    """

    def __init__(self, settings: StreamTransport, clock: Clock) -> None:
        self._settings = settings
        self._folder = settings.spool
        self._clock = clock
        self._sessions: dict[str, Sequences] = {}
        self._segment: _Segment | None = None
        self._strays: _Segment | None = None
        self._lock = -1
        self._is_sound = True
        self.closed: list[str] = []

    def __enter__(self) -> Self:
        """Take the spool and close what a crash left.

        Raises:
            PermanentError: the folder cannot be used, or another collector uses it.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise PermanentError("the spool is in use by another collector") from None
        except OSError as error:
            raise PermanentError(f"spool: cannot be used ({error.strerror})") from None
        try:
            self._recall()
            self._recover()
        except BaseException:
            os.close(self._lock)
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Close the segments and let the spool go."""
        try:
            self.rotate()
        finally:
            os.close(self._lock)

    @property
    def session(self) -> str:
        """The newest session; '' before the first and where there are none."""
        return next(reversed(self._sessions), "")

    def missing(self) -> list[tuple[int, int]]:
        """Ranges of the newest session that have not come."""
        sequences = self._sessions.get(self.session)
        return list(sequences.missing) if sequences else []

    def all_missing(self) -> dict[str, list[tuple[int, int]]]:
        """Session to the ranges that have not come, where there are any."""
        return {session: list(known.missing) for session, known in self._sessions.items() if known.missing}

    def resume_at(self) -> int | None:
        """The first number of the newest session that has not come, or None where nothing has."""
        missing = self.missing()
        return missing[0][0] if missing else self.next_number()

    def next_number(self) -> int | None:
        """The number after the highest of the newest session, or None where nothing has come."""
        sequences = self._sessions.get(self.session)
        return None if sequences is None or sequences.highest is None else sequences.highest + 1

    def place(self, message: object) -> Place | None:
        """Session and number of a message, or None where it states none that makes sense."""
        number = pointed(message, self._settings.sequence_field)
        if isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) < 20:
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MAX_NUMBER:
            return None
        if self._settings.session_field is None:
            return "", number
        stated = pointed(message, self._settings.session_field)
        session = str(stated) if isinstance(stated, str | int) and not isinstance(stated, bool) else ""
        return (session, number) if _SESSION.fullmatch(session) and session != _STRAY else None

    def add(self, content: bytes, place: Place) -> Verdict:
        """Keep a message unless it came before; see ``Sequences.take``."""
        session, number = place
        verdict = self._known(session).take(number)
        if verdict == "duplicate":
            return verdict
        segment = self._segment
        if segment is None or segment.session != session:
            self._close_segment()
            name = self._name(session, f"{number:012d}")
            segment = self._segment = _Segment(self._folder / (name + _PART), session, self._clock.monotonic())
        segment.write(line(content), number)
        rotation = self._settings.rotation
        if segment.messages >= rotation.messages or segment.size_bytes >= rotation.size_bytes:
            self._close_segment()
        return verdict

    def add_stray(self, content: bytes, *, is_json: bool) -> None:
        """Keep what holds no number."""
        if self._strays is None:
            name = f"{self._settings.prefix}_{_STRAY}_{self._clock.now():%Y%m%dT%H%M%S%f}{_ENDING}{_PART}"
            self._strays = _Segment(self._folder / name, "", self._clock.monotonic())
        if not is_json:
            content = orjson.dumps({"base64": base64.b64encode(content).decode()})
        self._strays.write(line(content))

    def tick(self) -> None:
        """Close what has been open long enough."""
        limit = self._clock.monotonic() - self._settings.rotation.seconds
        if self._segment is not None and self._segment.opened_at <= limit:
            self._close_segment()
        if self._strays is not None and self._strays.opened_at <= limit:
            self._close_strays()

    def flush(self) -> None:
        """Hand what has come to the operating system."""
        for segment in (self._segment, self._strays):
            if segment is not None:
                segment.stream.flush()

    def rotate(self) -> None:
        """Close every segment that is open. After a fault of the disk it does nothing: the next start recovers."""
        if self._is_sound:
            self._close_segment()
            self._close_strays()

    def _known(self, session: str) -> Sequences:
        if session not in self._sessions:
            self._sessions[session] = Sequences(self._settings.first_sequence)
            if len(self._sessions) > MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]
        return self._sessions[session]

    def _name(self, session: str, numbers: str) -> str:
        return "_".join(part for part in (self._settings.prefix, session, numbers) if part) + _ENDING

    def _close_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None and segment.numbers is not None:
            first, last = segment.numbers
            self._close(segment, self._name(segment.session, f"{first:012d}-{last:012d}"))

    def _close_strays(self) -> None:
        strays, self._strays = self._strays, None
        if strays is not None:
            self._close(strays, strays.path.name.removesuffix(_PART))

    def _close(self, segment: _Segment, name: str) -> None:
        self._is_sound = False  # a state that counts messages which did not reach the disk must never be written
        with segment.stream as stream:
            stream.flush()
            os.fsync(stream.fileno())
        self._remember()
        self._publish(segment.path, name)
        self._is_sound = True

    def _publish(self, part: Path, name: str) -> None:
        try:
            os.link(part, self._folder / name)  # unlike a rename, it never replaces a segment
        except FileExistsError:
            raise PermanentError(f"{name}: is in the spool already; its state does not fit its segments") from None
        part.unlink()
        _sync(self._folder)
        self.closed.append(name)

    def _remember(self) -> None:
        document = {
            session: {"lowest": known.lowest, "highest": known.highest, "missing": known.missing}
            for session, known in self._sessions.items()
        }
        fresh = self._folder / f"{_STATE}{_PART}"
        with fresh.open("wb") as stream:
            # A list, because the order of sessions counts.
            stream.write(json.dumps(list(document.items())).encode())
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._folder / _STATE)
        _sync(self._folder)

    def _recall(self) -> None:
        """Read the state; where it is lost or damaged, read the segments."""
        first = self._settings.first_sequence
        try:
            for session, known in json.loads((self._folder / _STATE).read_bytes()):
                missing = [(int(a), int(b)) for a, b in known["missing"]]
                self._sessions[session] = Sequences(
                    first, lowest=known["lowest"], highest=known["highest"], missing=missing
                )
        except (OSError, ValueError, TypeError, KeyError):
            self._sessions.clear()
            for path in sorted(self._folder.glob(f"{self._settings.prefix}_*{_ENDING}"), key=_age):
                self._absorb(path)

    def _recover(self) -> None:
        """Give a name to the whole lines of each segment that was being written when a process died."""
        for part in sorted(self._folder.glob(f"{self._settings.prefix}_*{_ENDING}{_PART}"), key=_age):
            final = self._folder / part.name.removesuffix(_PART)
            if part.stat().st_nlink > 1:  # it has its name, only the old one was not taken away
                part.unlink()
                continue
            whole_bytes, found = self._absorb(part)
            if not whole_bytes:
                part.unlink()
                continue
            with part.open("r+b") as stream:
                stream.truncate(whole_bytes)
                os.fsync(stream.fileno())
            self._remember()
            if found:
                session, numbers = found[0][0], [number for _, number in found]
                final = self._folder / self._name(session, f"{min(numbers):012d}-{max(numbers):012d}")
            self._publish(part, final.name)

    def _absorb(self, path: Path) -> tuple[int, list[Place]]:
        """Note the numbers of a file; returns the bytes of its whole lines and what they are of."""
        whole_bytes, found = 0, []
        for content in _whole_lines(path):
            try:
                message = orjson.loads(content)
            except orjson.JSONDecodeError:
                break  # what a loss of power left; its numbers are missing and are asked for again
            whole_bytes += len(content)
            if f"_{_STRAY}_" not in path.name and (place := self.place(message)) is not None:
                self._known(place[0]).take(place[1])
                found.append(place)
        return whole_bytes, found


def _whole_lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        for content in stream:
            if content.endswith(b"\n"):
                yield content


def _age(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
