"""``documents``: large statements in OFX, both spellings, and in Flex XML, against tokenising their bytes alone.

The files are made from simulated statements: an OFX statement with the bookings of one account over and over under ids
of their own, a Flex statement with the same accounts over and over under numbers of their own. Each is read in a fresh
process, which then measures the floor: a regular expression over all tags, or expat with a handler that does nothing.
"""

from __future__ import annotations

import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from pathlib import Path
from typing import Final, TypeVar
from xml.parsers import expat

from benchmarks.measurement import Measurement, peak_mib
from connectors.adapter import RawFile
from connectors.connection import Connection, LocalTransport
from connectors.registry import adapter
from simulation.firm import Style, TenantPlan
from simulation.scene import Scene
from simulation.world import SimulationConfig, simulate
from simulation.writers import ibflex, ofx

MIB: Final = 1024**2
FORMATS: Final = ("ofx_sgml", "ofx_xml", "flex")
_TENANT: Final = "alder"
_Result = TypeVar("_Result")
_TAGS = re.compile(rb"<([^>]*)>([^<]*)")


def run(size_mb: int) -> tuple[Measurement, ...]:
    """Measure a file of so many MiB in each format; files are made and read in processes of their own."""
    with tempfile.TemporaryDirectory(prefix="nexus-bench-") as folder:
        found = []
        for name in FORMATS:
            path = Path(folder) / ("daily_20220131.xml" if name == "flex" else f"{name}_20220131.ofx")
            records = _apart(make, name, path, size_mb * MIB)
            found.append(_apart(measure, name, path, size_mb, records))
            path.unlink()
        return tuple(found)


def make(name: str, path: Path, size_bytes: int) -> int:
    """Write the file; the number of its records."""
    return _MAKERS[name](_scene(), path, size_bytes)


def measure(name: str, path: Path, size_mb: int, records: int) -> Measurement:
    """Read the file, then tokenise it alone.

    Raises:
        RuntimeError: a record was lost or held back.
    """
    source = adapter("ibflex" if name == "flex" else "ofx")
    kind, day = source.kind_of(path.name) or (source.kinds[0], None)
    connection = Connection(connection_id="bench", adapter=source.slug, transport=LocalTransport(path=path.parent))
    began = time.perf_counter()
    result = source.parse(RawFile(path, path.name, kind, day), connection)
    seconds = time.perf_counter() - began
    peak = peak_mib()
    if (result.record_count, result.quarantined_count) != (records, 0):
        raise RuntimeError(f"{name}: {result.record_count} records of {records}, {result.quarantined_count} held back")
    began = time.perf_counter()
    _tokenised_by_expat(path) if name == "flex" else _tokenised_by_pattern(path)
    floor = time.perf_counter() - began
    megabytes = path.stat().st_size / MIB
    return Measurement(f"documents/{name}", size_mb, seconds, floor, peak, {"parse": seconds}, megabytes)


def _apart(work: Callable[..., _Result], *arguments: object) -> _Result:
    """The result of the work, done in a fresh process."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _tokenised_by_pattern(path: Path) -> None:
    for _ in _TAGS.finditer(path.read_bytes()):
        pass


def _tokenised_by_expat(path: Path) -> None:
    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.StartElementHandler = lambda *_: None
    with path.open("rb") as stream:
        parser.ParseFile(stream)


def _scene() -> Scene:
    styles: tuple[Style, ...] = ("schwab", "ibflex")
    plan = TenantPlan(accounts=16, master_account="08123456", ofx_share=0.5, styles=styles)
    world = simulate(SimulationConfig(7, {_TENANT: plan}, date(2022, 1, 3), date(2022, 4, 29)))
    return Scene(world.config.seed, world.market, world.firm, world.booked, world.reported)


def _ofx(style: Style) -> Callable[[Scene, Path, int], int]:
    def make(scene: Scene, path: Path, size_bytes: int) -> int:
        last = scene.market.days[-1]
        account = scene.held_at(_TENANT, style, last)[0]
        bookings = tuple(scene.bookings[account.key])
        held = scene.holdings(account, last)
        stated = ofx.Statement(account, scene.market.days[0], last, bookings, held, scene.settled_cash(account, last))
        content = ofx.document(scene.market, stated)
        start = content.index(b"\n", content.index(b"<DTEND>")) + 1
        end = content.index(b"</INVTRANLIST>")
        body, times = content[start:end], 0
        with path.open("wb") as stream:
            stream.write(content[:start])
            while stream.tell() < size_bytes:
                stream.write(re.sub(rb"<FITID>(\d+)", rb"<FITID>\g<1>%07d" % times, body))
                times += 1
            stream.write(content[end:])
        # Positions, the securities listed, and two balances stand once.
        listed = {booking.security for booking in bookings if booking.security is not None} | set(held)
        return times * len(bookings) + len(held) + len(listed) + 2

    return make


def _flex(scene: Scene, path: Path, size_bytes: int) -> int:
    day = scene.market.days[20]
    accounts = scene.held_at(_TENANT, "ibflex", day)
    content = ibflex.document(scene, accounts, day)
    start, end = content.index(b"<FlexStatement "), content.index(b"</FlexStatements>")
    body = content[start:end]
    times = max(1, -(-size_bytes // len(body)))
    head = content[:start].replace(b'count="%d"' % len(accounts), b'count="%d"' % (times * len(accounts)))
    with path.open("wb") as stream:
        stream.write(head)
        for number in range(times):
            stream.write(re.sub(rb'accountId="U(\d+)"', rb'accountId="U\g<1>%06d"' % number, body))
        stream.write(content[end:])
    lines = body.count(b" />\n") - len(re.findall(rb"<[A-Za-z]+ />\n", body))
    return times * lines


_MAKERS: Final[dict[str, Callable[[Scene, Path, int], int]]] = {
    "ofx_sgml": _ofx("ofx_sgml"),
    "ofx_xml": _ofx("ofx_xml"),
    "flex": _flex,
}
