"""Laws of a spool: no number is lost or written twice, whenever the collector dies; and of the numbers themselves."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import PermanentError
from connectors.services import StreamTransport
from connectors.transport import segments, sequences
from connectors.transport.segments import Spool
from connectors.transport.sequences import Sequences
from tests.connectors.http_fixture import TestClock, at


def spool(folder: Path, **changes: object) -> Spool:
    settings = {"kind": "stream", "url": "wss://x.example", "spool": str(folder), "prefix": "px", **changes}
    return Spool(StreamTransport.model_validate(settings), TestClock(at("2022-12-28T23:00:00")))


def message(number: int) -> bytes:
    return json.dumps({"seq": number}).encode()


def add(opened: Spool, *numbers: int) -> list[str]:
    return [opened.add(message(number), ("", number)) for number in numbers]


def kept(folder: Path) -> list[int]:
    return [json.loads(line)["seq"] for path in sorted(folder.glob("*.ndjson")) for line in path.open()]


@given(st.lists(st.integers(0, 30), max_size=60), st.sampled_from([None, 0, 5]))
def test_each_number_is_taken_once_and_the_rest_between_the_ends_is_missing(
    numbers: list[int], first: int | None
) -> None:
    known = Sequences(first)
    taken = [n for n in numbers if known.take(n) != "duplicate"]
    assert taken == list(dict.fromkeys(numbers))
    missing = [n for a, b in known.missing for n in range(a, b + 1)]
    if numbers:
        begin = min(numbers) if first is None else min(first, *numbers)
        assert missing == sorted(set(range(begin, max(numbers))) - set(numbers))
    assert all(a <= b for a, b in known.missing)
    assert all(b < c for (_, b), (c, _) in zip(known.missing, known.missing[1:], strict=False))


def test_numbers_that_are_no_sequence_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequences, "MAX_RANGES", 3)
    known = Sequences()
    for number in (1, 10, 20, 30):
        known.take(number)
    with pytest.raises(PermanentError, match=r"not hold a running number"):
        known.take(40)
    assert known.highest == 30


class Died(Exception):
    """The process is gone."""


@pytest.mark.parametrize("fault", [Died(), OSError(errno.ENOSPC, "No space left on device")], ids=["killed", "full"])
@pytest.mark.parametrize("step", ["fsync", "remember", "replace", "link", "unlink", "sync"])
def test_wherever_a_collector_dies_the_next_one_has_every_number_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, fault: Exception
) -> None:
    def fail(*arguments: object, **names: object) -> None:
        raise fault

    places: dict[str, tuple[object, str]] = {
        "fsync": (segments.os, "fsync"),
        "remember": (Spool, "_remember"),
        "replace": (segments.Path, "replace"),
        "link": (segments.os, "link"),
        "unlink": (segments.Path, "unlink"),
        "sync": (segments, "_sync"),
    }
    with spool(tmp_path) as before:  # so that there is a state that can be behind
        add(before, 0)
    opened = spool(tmp_path)
    opened.__enter__()
    add(opened, 1, 2, 5)
    with monkeypatch.context() as patch:
        patch.setattr(*places[step], fail)
        with pytest.raises(type(fault)):
            opened.rotate()
    opened.__exit__()
    with spool(tmp_path) as again:
        assert again.all_missing() == {"": [(3, 4)]}
        assert add(again, 2, 5, 6) == ["duplicate", "duplicate", "next"]
    assert sorted(kept(tmp_path)) == [0, 1, 2, 5, 6]
    assert list(tmp_path.glob("*.part")) == []


def test_numbers_whose_bytes_did_not_reach_the_disk_are_not_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    opened = spool(tmp_path)
    opened.__enter__()
    add(opened, 1)
    opened.rotate()
    add(opened, 2)
    opened.add_stray(b"{}", is_json=True)
    with monkeypatch.context() as patch:
        patch.setattr(segments.os, "fsync", fail)
        with pytest.raises(OSError, match="No space"):
            opened.rotate()
    (tmp_path / "px_000000000002.ndjson.part").write_bytes(b"")
    opened.__exit__()
    with spool(tmp_path) as again:
        assert add(again, 2) == ["next"]


def test_a_torn_last_line_is_cut_off_and_its_number_is_missing(tmp_path: Path) -> None:
    (tmp_path / "px_000000000001.ndjson.part").write_bytes(message(1) + b"\n" + message(3) + b"\n" + b'{"seq":4')
    with spool(tmp_path) as opened:
        assert opened.closed == ["px_000000000001-000000000003.ndjson"]
        assert add(opened, 4, 2) == ["next", "filled"]
    assert sorted(kept(tmp_path)) == [1, 2, 3, 4]


@pytest.mark.parametrize("rest", [b"", b'{"seq":1', bytes(4096) + b"\n"], ids=["nothing", "torn", "zeroes"])
def test_a_segment_without_a_whole_message_leaves_nothing(tmp_path: Path, rest: bytes) -> None:
    (tmp_path / "px_000000000001.ndjson.part").write_bytes(rest)
    with spool(tmp_path) as opened:
        assert add(opened, 1) == ["next"]
    assert kept(tmp_path) == [1]


@pytest.mark.parametrize(
    "damage", [lambda p: p.unlink(), lambda p: p.write_bytes(b"{"), lambda p: p.write_bytes(b"[[1]]")]
)
def test_a_lost_state_is_read_from_the_segments(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    for numbers in ((1, 2), (5, 3), (6,)):
        with spool(tmp_path) as opened:
            add(opened, *numbers)
    damage(tmp_path / ".state.json")
    with spool(tmp_path) as opened:
        assert opened.all_missing() == {"": [(4, 4)]}
        assert opened.resume_at() == 4
        assert add(opened, 5, 7) == ["duplicate", "next"]


def test_a_segment_is_never_written_over(tmp_path: Path) -> None:
    with spool(tmp_path) as opened:
        add(opened, 1)
    (tmp_path / ".state.json").write_text("[]")
    before = (tmp_path / "px_000000000001-000000000001.ndjson").read_bytes()
    with pytest.raises(PermanentError, match="in the spool already"), spool(tmp_path) as opened:
        opened.add(b'{"seq": 1, "other": true}', ("", 1))
    assert (tmp_path / "px_000000000001-000000000001.ndjson").read_bytes() == before


def test_one_spool_has_one_collector(tmp_path: Path) -> None:
    with spool(tmp_path), pytest.raises(PermanentError, match="another collector"), spool(tmp_path):
        pass
    with spool(tmp_path):
        pass


def test_strays_of_a_dead_collector_are_kept(tmp_path: Path) -> None:
    (tmp_path / "px_stray_20221228T230000000000.ndjson.part").write_bytes(b'{"a":1}\n{"seq":9}\n{"b"')
    with spool(tmp_path) as opened:
        assert opened.resume_at() is None
    path = tmp_path / "px_stray_20221228T230000000000.ndjson"
    assert path.read_bytes() == b'{"a":1}\n{"seq":9}\n'


def test_the_sessions_that_are_remembered_are_bounded_and_the_newest_is_asked_for(tmp_path: Path) -> None:
    with spool(tmp_path, session_field="/day") as opened:
        for day in range(20):
            opened.add(message(day), (f"d{day}", day))
    with spool(tmp_path, session_field="/day") as opened:
        assert (opened.session, opened.resume_at()) == ("d19", 20)
    assert len(json.loads((tmp_path / ".state.json").read_bytes())) == segments.MAX_SESSIONS
