"""From a vendor's REST service to canonical rows: what lands is what was served, and says what the market knows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connectors.adapter import Adapter, RawFile
from connectors.connection import Connection
from connectors.market_data.factset.adapter import ADAPTER as FACTSET
from connectors.market_data.factset.requests import extractions as factset_extractions
from connectors.market_data.lseg.adapter import ADAPTER as LSEG
from connectors.services import RestTransport
from connectors.transport.extraction import Extraction, Job
from connectors.transport.guard import forget_states
from connectors.transport.rest import RestFolder
from connectors.transport.scheduled import Schedule
from simulation.vendor_api import ServerInfo, serve
from simulation.writers import factset, lseg
from tests.connectors import vendor_truth as truth
from tests.connectors.golden import keeps_the_law
from tests.connectors.http_fixture import TestClock, at

USER, PASSWORD = "9000001", "a password"
DAYS = truth.scene().days[2:4]
LIMITS = {"attempts": 4, "requests": 1000, "failures_to_open": 50}

Frames = dict[str, list[pl.DataFrame]]


@pytest.fixture(autouse=True)
def _fresh_state() -> None:
    forget_states()


@pytest.fixture
def server() -> Iterator[ServerInfo]:
    with serve(truth.scene(), username=USER, password=PASSWORD) as running:
        yield running


@pytest.fixture
def secrets_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "vendor").write_text(PASSWORD)
    (folder / "vendor").chmod(0o600)
    return folder


def universe(folder: Path, header: str, rows: list[tuple[str, ...]]) -> Path:
    path = folder / "universe.csv"
    path.write_text("\n".join([header, *(",".join(row) for row in rows), ""]))
    return path


def connection(source: Adapter, transport: dict[str, Any], names: Path) -> Connection:
    described = {
        "kind": "rest",
        "lookback_days": 1,
        "ready_at": "18:30 America/New_York",
        "limits": LIMITS,
        **transport,
    }
    return Connection.model_validate(
        {"connection_id": "vendor", "adapter": source.slug, "transport": described, "codes": {"universe": names}}
    )


def dss(server: ServerInfo, folder: Path) -> Connection:
    login = {"Credentials": {"Username": "{username}", "Password": "{password}"}}
    auth = {
        "kind": "session_token", "login_url": f"{server.dss_url}/Authentication/RequestToken", "username": USER,
        "password_ref": "file:vendor", "body": login,
    }  # fmt: skip
    rows = [*lseg.universe(truth.scene()), ("GONE.N", "Ric", "security")]
    names = universe(folder, "identifier,identifier_type,asset_class", rows)
    return connection(LSEG, {"base_url": server.dss_url, "auth": auth}, names)


def fact(server: ServerInfo, folder: Path, *, strangers: int = 1, is_oauth: bool = False) -> Connection:
    auth: dict[str, Any] = {"kind": "basic", "username": USER, "password_ref": "file:vendor"}
    if is_oauth:
        auth = {
            "kind": "oauth2_client_credentials", "token_url": server.token_url, "client_id": USER,
            "client_secret_ref": "file:vendor",
        }  # fmt: skip
    rows = [*factset.universe(truth.scene()), *((f"NONE{n}-US", "equity") for n in range(strangers))]
    names = universe(folder, "identifier,asset_class", rows)
    return connection(FACTSET, {"base_url": server.factset_url, "auth": auth}, names)


def landed(source: Adapter, feed: Connection, secrets_dir: Path, folder: Path) -> dict[str, Path]:
    """Every due extraction of the two days, fetched."""
    assert source.extractions is not None
    assert isinstance(feed.transport, RestTransport)
    schedule = Schedule(feed, source.extractions, source.calendar)
    clock = TestClock(at(f"{DAYS[-1].isoformat()}T23:45:00"))
    with RestFolder(feed.transport, schedule, secrets_dir, clock) as opened:
        files = {}
        for remote in opened.list_files().files:
            opened.fetch(remote, folder / remote.path)
            files[remote.path] = folder / remote.path
    return files


def frames_of(source: Adapter, feed: Connection, files: dict[str, Path]) -> tuple[Frames, list[tuple[str, str]]]:
    frames: Frames = defaultdict(list)
    held: list[tuple[str, str]] = []
    for name, path in files.items():
        found = source.kind_of(name)
        assert found is not None, name
        result = source.parse(RawFile(path, name, *found), feed)
        keeps_the_law(result)
        held += [(name, str(reason)) for reason in result.rejects["reason"]]
        for table, frame in result.frames.items():
            frames[table].append(frame)
    return frames, held


def test_datascope_is_asked_page_by_page_and_tells_what_the_market_knows(
    server: ServerInfo, secrets_dir: Path, tmp_path: Path
) -> None:
    feed = dss(server, tmp_path)
    files = landed(LSEG, feed, secrets_dir, tmp_path)
    assert len(files) == 3 * len(DAYS)
    pages = [json.loads(line) for line in files[f"eod_prices_{DAYS[0]:%Y%m%d}.json"].read_text().splitlines()]
    assert len(pages) == 2  # thirty-odd rows, twenty a page
    assert ["@odata.nextlink" in page for page in pages] == [True, False]
    frames, held = frames_of(LSEG, feed, files)
    assert {reason for _, reason in held} == {"unknown_security"}  # GONE.N, in the notes of every extraction
    assert len(held) == len(files)
    assert truth.told(frames["canonical.price"], *truth.PRICE) == truth.prices(DAYS)
    assert truth.told(frames["canonical.fx_rate"], *truth.RATE) == truth.rates(DAYS)
    assert truth.told(frames["canonical.corporate_action"], *truth.ACTION) == truth.actions(DAYS)
    described = pl.concat(frames["canonical.security"]).filter(pl.col("security_type") != "index").unique("isin")
    assert truth.told([described], *truth.REFERENCE) == truth.reference()


def test_the_service_made_the_client_wait_and_try_again(server: ServerInfo, secrets_dir: Path, tmp_path: Path) -> None:
    landed(LSEG, dss(server, tmp_path), secrets_dir, tmp_path)
    asked = server.api.asked
    paths = [one.path for one in asked]
    assert sum("RequestToken" in path for path in paths) == 1
    # Six extractions; of their 202s and pages, every seventh request was answered 429 and made again.
    again = [
        n
        for n in range(6, len(asked) - 1, 7)
        if (asked[n].path, asked[n].query) == (asked[n + 1].path, asked[n + 1].query)
    ]
    assert len(again) >= 3


@pytest.mark.parametrize("is_oauth", [False, True])
def test_factset_tells_what_the_market_knows(
    server: ServerInfo, secrets_dir: Path, tmp_path: Path, is_oauth: bool
) -> None:
    feed = fact(server, tmp_path, is_oauth=is_oauth)
    frames, held = frames_of(FACTSET, feed, landed(FACTSET, feed, secrets_dir, tmp_path))
    assert held == [(f"prices_unsplit_{day:%Y%m%d}.json", "unknown_security") for day in DAYS]
    assert truth.told(frames["canonical.price"], *truth.PRICE) == truth.prices(DAYS)
    assert truth.told(frames["canonical.corporate_action"], *truth.ACTION) == truth.actions(DAYS)
    described = pl.concat(frames["canonical.security"]).select("ticker", "security_type").unique()
    assert described.rows() == [("WNX20-USA", "index")]  # as the universe says; of the others nothing is said


def test_more_than_a_call_takes_is_asked_for_as_a_batch(server: ServerInfo, secrets_dir: Path, tmp_path: Path) -> None:
    feed = fact(server, tmp_path, strangers=1200)
    frames, held = frames_of(FACTSET, feed, landed(FACTSET, feed, secrets_dir, tmp_path))
    assert len(held) == 1200 * len(DAYS)
    assert truth.told(frames["canonical.price"], *truth.PRICE) == truth.prices(DAYS)
    assert sum(one.path.endswith("batch-result") for one in server.api.asked) >= 2 * len(DAYS)


def test_a_universe_beyond_one_batch_is_asked_for_in_files_of_their_own(tmp_path: Path) -> None:
    names = universe(tmp_path, "identifier,asset_class", [(f"N{n}-US", "equity") for n in range(4500)])
    feed = connection(FACTSET, {"base_url": "http://127.0.0.1:9"}, names)
    asked = [one for one in factset_extractions(feed, date(2022, 1, 5)) if isinstance(one, Extraction)]
    prices = [one for one in asked if one.name.startswith("prices")]
    assert [one.name for one in prices] == [f"prices_unsplit_20220105{part}.json" for part in ("", "_2", "_3")]
    assert all(isinstance(one.job, Job) and one.body and one.body["adjust"] == "UNSPLIT" for one in prices)
    assert [len(one.body["ids"]) for one in prices if one.body] == [2000, 2000, 500]  # type: ignore[arg-type]
    for one in asked:
        assert FACTSET.kind_of(one.name) is not None


def test_a_firm_without_a_universe_asks_nothing() -> None:
    for source in (LSEG, FACTSET):
        feed = Connection.model_validate(
            {
                "connection_id": "v",
                "adapter": source.slug,
                "transport": {"kind": "rest", "base_url": "http://127.0.0.1:9"},
            }
        )
        assert source.extractions is not None
        assert list(source.extractions(feed, date(2022, 1, 5))) == []
