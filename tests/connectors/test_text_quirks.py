"""Quirks of text files, held against every connector: they change nothing that is read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from connectors.adapter import ParsedFile, RawFile
from connectors.connection import Connection, LocalTransport
from connectors.errors import FeedFault
from connectors.examination import kind_of_file
from connectors.registry import adapters
from tests.connectors.test_every_connector_fuzz import samples

CASES = [(slug, path) for slug, source in adapters().items() for path in samples(source)]
IDS = [f"{slug}/{path.name}" for slug, path in CASES]
WITHOUT_TRAILER = {
    "ecb": (".csv",), "ice": (".csv",), "lseg": (".csv",), "tda": (".TRN", ".POS", ".PRI", ".SEC", ".CBL", ".TRD"),
}  # fmt: skip
"""Files of which only the last line's end tells that the line is whole; ``fidelity``'s history has a text below it."""
CLOSED_BY_NEWLINE = ("price_stream",)
"""Our own spool ends every message with a line end: one without was not written whole."""
BOM = b"\xef\xbb\xbf"


def parsed(
    slug: str, folder: Path, name: str, content: bytes, last_line: Literal["closed", "open"] = "closed"
) -> ParsedFile | str:
    """What the connector makes of the bytes, or the reason for which it refuses them."""
    source = adapters()[slug]
    path = folder / name
    path.write_bytes(content)
    kind, day, _ = kind_of_file(source, name, path)
    assert kind is not None
    connection = Connection(
        connection_id="quirk", adapter=slug, transport=LocalTransport(path=folder), last_line=last_line
    )
    try:
        return source.parse(RawFile(path, name, kind, day), connection)
    except FeedFault as fault:
        return fault.reason


def agree(one: ParsedFile | str, other: ParsedFile | str) -> None:
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert one.frames.keys() == other.frames.keys()
    for name, frame in one.frames.items():
        assert frame.equals(other.frames[name]), name
    columns = pl.exclude("raw_text", "detail")
    assert one.rejects.select(columns).equals(other.rejects.select(columns))
    assert (one.record_count, one.quarantined_count) == (other.record_count, other.quarantined_count)
    assert one.business_date == other.business_date


@pytest.mark.parametrize(("slug", "path"), CASES, ids=IDS)
def test_crlf_is_read_as_lf(slug: str, path: Path, tmp_path: Path) -> None:
    content = path.read_bytes().replace(b"\r\n", b"\n")
    agree(
        parsed(slug, tmp_path, path.name, content), parsed(slug, tmp_path, path.name, content.replace(b"\n", b"\r\n"))
    )


@pytest.mark.parametrize(("slug", "path"), CASES, ids=IDS)
def test_a_missing_final_newline_loses_nothing(slug: str, path: Path, tmp_path: Path) -> None:
    """A provider that never writes it says so; a last line of too few fields was cut all the same."""
    content = path.read_bytes().rstrip(b"\r\n")
    whole, cut = (parsed(slug, tmp_path, path.name, text, "open") for text in (content + b"\n", content))
    if cut == "truncated_file" and isinstance(whole, ParsedFile):
        is_last_bad = content.count(b"\n") + 1 in whole.rejects["source_line"].to_list()
        assert is_last_bad or slug in CLOSED_BY_NEWLINE
        return
    agree(whole, cut)


@pytest.mark.parametrize(("slug", "path"), CASES, ids=IDS)
def test_a_last_line_that_may_be_cut_is_held_back_unless_a_trailer_tells(slug: str, path: Path, tmp_path: Path) -> None:
    content = path.read_bytes().rstrip(b"\r\n")
    whole, cut = parsed(slug, tmp_path, path.name, content + b"\n"), parsed(slug, tmp_path, path.name, content)
    if cut == "truncated_file" or not path.name.endswith(WITHOUT_TRAILER.get(slug, ())):
        if isinstance(whole, str) or isinstance(cut, str):
            return  # the law of a missing newline tells these
        agree(whole, cut)
        return
    assert isinstance(whole, ParsedFile)
    assert isinstance(cut, ParsedFile)
    last = content.count(b"\n") + 1
    held = cut.rejects.filter(pl.col("reason").cast(pl.String) == "truncated_file")
    assert held["source_line"].to_list() == [last]
    assert cut.record_count == whole.record_count
    for name, frame in whole.frames.items():
        expected = frame.filter(pl.col("source_line") != last)
        assert cut.frames[name].equals(expected), name


@pytest.mark.parametrize(("slug", "path"), CASES, ids=IDS)
def test_a_byte_order_mark_is_no_text(slug: str, path: Path, tmp_path: Path) -> None:
    """Neither before UTF-8 nor before text in the provider's own encoding."""
    content = path.read_bytes().removeprefix(BOM)
    agree(parsed(slug, tmp_path, path.name, content), parsed(slug, tmp_path, path.name, BOM + content))


@pytest.mark.parametrize(("slug", "path"), CASES, ids=IDS)
def test_leading_zeros_of_account_numbers_stay(slug: str, path: Path, tmp_path: Path) -> None:
    """Numbers of accounts are texts from the file to the lake: what a frame says stands in the file, zeros too."""
    result = parsed(slug, tmp_path, path.name, path.read_bytes())
    if isinstance(result, str):
        return
    content = path.name + path.read_bytes().decode("latin-1")
    for frame in result.frames.values():
        if "account_number" in frame.columns:
            for number in frame["account_number"].unique():
                assert number in content
