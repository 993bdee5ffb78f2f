"""Whatever is done to a file of a provider, reading and conforming end in rows and rejects, never in an error."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.canonical import reading
from assets.canonical.conform import conform
from assets.canonical.ingest import _results
from assets.canonical.reading import Arrival, read_files
from assets.workspace import Workspace
from connectors.archive import stem_of
from connectors.registry import adapter
from contracts.registry import table
from tests.e2e_faults.provider import SHARED, provider_in

CONNECTORS = Path(__file__).resolve().parents[2] / "connectors"
SAMPLES: dict[tuple[str, str, str], list[Path]] = {
    ("alder", "schwab_main", "schwab"): sorted((CONNECTORS / "custodians/schwab/samples").glob("CRS*")),
    ("alder", "ofx_direct", "ofx"): sorted((CONNECTORS / "custodians/ofx/samples").glob("*.ofx")),
    (SHARED, "ecb", "ecb"): sorted((CONNECTORS / "market_data/ecb/samples").glob("eurofxref*")),
    (SHARED, "closing_prices", "closing_prices"): sorted(
        (CONNECTORS / "market_data/closing_prices/samples").glob("prices*")
    ),
}
SHORT = settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
LONG = settings(SHORT, max_examples=250)
AT = datetime(2022, 1, 6, 10, tzinfo=UTC)
PIECES = st.one_of(
    st.binary(min_size=1, max_size=6),
    st.sampled_from(
        [b"|", b"\r\n", b"\n", b",", b"-", b"9" * 30, b"0", b".", b"<", b"</", b"&#0;", b"\xff", b"\x00", b"TR|",
         b"HD|", b"99999999", b"20220230", b"N/A", b"Y", b"    ", b"e308", b"#TRAILER,", "\u202e".encode()]
    ),
)  # fmt: skip


@st.composite
def mutations(draw: st.DrawFn) -> Callable[[bytes], bytes]:
    """One change of a file: of bytes anywhere, or of whole lines."""
    share, other = draw(st.floats(0, 1)), draw(st.floats(0, 1))
    piece = draw(PIECES)
    kind = draw(st.sampled_from(["replace", "replace", "replace", "insert", "delete", "cut", "repeat", "drop", "swap"]))

    def bytewise(content: bytes) -> bytes:
        at = int(share * len(content))
        match kind:
            case "replace":
                return content[:at] + piece + content[at + len(piece) :]
            case "insert":
                return content[:at] + piece + content[at:]
            case "delete":
                return content[:at] + content[at + len(piece) * 4 :]
            case _:
                return content[:at]

    def linewise(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True) or [b""]
        first, second = int(share * (len(lines) - 1)), int(other * (len(lines) - 1))
        match kind:
            case "repeat":
                lines.insert(second, lines[first])
            case "drop":
                del lines[first]
            case _:
                lines[first], lines[second] = lines[second], lines[first]
        return b"".join(lines)

    return linewise if kind in ("repeat", "drop", "swap") else bytewise


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return provider_in(tmp_path_factory.mktemp("fuzz")).workspace


_NUMBERS = count(1)


def arrival(ws: Workspace, tenant: str, connection: str, slug: str, path: Path, content: bytes) -> Arrival:
    """The file landed, without a row in the ledger."""
    staged = ws.home / f"staged{next(_NUMBERS)}"
    staged.write_bytes(content)
    stored = ws.raw.put(tenant, staged)
    staged.unlink()
    kind, day = adapter(slug).kind_of(stem_of(path.name)) or (None, None)
    return Arrival(
        source_file_id=stored.source_file_id, sha256=stored.sha256, size_bytes=stored.size_bytes,
        connection_id=connection, adapter=slug, file_kind=kind.name if kind else None, remote_path=path.name,
        logical_name=path.name, business_date=day, known_at=AT + timedelta(seconds=next(_NUMBERS)),
    )  # fmt: skip


def holds(ws: Workspace, tenant: str, arrivals: list[Arrival]) -> None:
    """Read and conform, and check the laws of every file."""
    by_id = {a.source_file_id: a for a in arrivals}
    files = list(read_files(ws, tenant, list(by_id.values())))
    assert len(files) == len(by_id)
    done = conform(ws, tenant, files)
    assert done.lost == 0
    results = _results(ws, tenant, files, done)
    assert set(results["source_file_id"]) == set(by_id)
    assert results.select((pl.col("parsed_count") >= 0).all()).item()
    assert results.select((pl.col("record_count") == pl.col("parsed_count") + pl.col("quarantined_count")).all()).item()
    table("landing.file_parse").conform(results)
    table("quality.reject").conform(done.rejects)
    for name, frame in done.frames.items():
        table(name).conform(frame)
    named = set(done.rejects["source_file_id"])
    assert {f.arrival.source_file_id for f in files if f.parse_status == "blocked"} <= named
    assert {row["source_file_id"] for row in results.rows(named=True) if row["quarantined_count"]} <= named


def fuzz(ws: Workspace, data: st.DataObject) -> None:
    for tenant in ("alder", SHARED):
        arrivals = []
        for (owner, connection, slug), paths in SAMPLES.items():
            if owner != tenant:
                continue
            for path in paths:
                content = path.read_bytes()
                for change in data.draw(st.lists(mutations(), min_size=1, max_size=4)):
                    content = change(content)
                arrivals.append(arrival(ws, tenant, connection, slug, path, content))
        holds(ws, tenant, arrivals)


@pytest.fixture
def bugs_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No net under the connectors: a bug is an error here, not a crashed file."""
    monkeypatch.setattr(reading, "PARSER_BUGS", ())


@pytest.mark.usefixtures("bugs_are_seen")
@given(data=st.data())
@SHORT
def test_a_changed_file_is_read_or_refused_and_loses_no_record(workspace: Workspace, data: st.DataObject) -> None:
    fuzz(workspace, data)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("bugs_are_seen")
@given(data=st.data())
@LONG
def test_many_changed_files_are_read_or_refused_and_lose_no_record(workspace: Workspace, data: st.DataObject) -> None:
    fuzz(workspace, data)
