"""SWIFT messages from landing to the lake: what one message describes, another may name."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from tests.connectors.swift_fixture import cash, holding, holdings, message, movement, movements
from tests.e2e_faults.provider import Provider, provider_in

AT = datetime(2022, 1, 6, 10, 30, tzinfo=UTC)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    made = provider_in(tmp_path, ())
    made.configure("alder", {"swift_custody": ("swift", ())})
    return made


def event(isin: str, reference: str) -> str:
    return message(
        564,
        f":16R:GENL\n:20C::CORP//{reference}\n:23G:NEWM\n:22F::CAEV//DVCA\n:22F::CAMV//MAND\n:16S:GENL\n"
        f":16R:USECU\n:35B:ISIN {isin}\n:16S:USECU\n:16R:CADETL\n:98A::XDTE//20220110\n:92F::GRSS//USD0,24\n"
        ":16S:CADETL\n",
    )


def test_a_tenants_corporate_actions_reach_its_own_table(provider: Provider) -> None:
    files = {
        "mt535_20220105.fin": holdings(holding()),
        "mt564_20220105.fin": event("US0378331005", "KNOWN") + event("DE0007164600", "STRANGE"),
    }
    for name, content in files.items():
        provider.put(f"alder/swift_custody/{name}", content.encode(), AT)
    _, done = provider.visit("alder")
    assert (done.files, done.blocked, done.crashed, done.lost) == (2, 0, 0, 0)
    (row,) = provider.read("canonical.corporate_action", "alder").rows(named=True)
    (security,) = provider.read("canonical.security", "alder").rows(named=True)
    assert (row["provider_event_id"], row["security_key"]) == ("KNOWN", security["security_key"])
    held = provider.read("quality.reject", "alder")
    assert held.select("reason", "table_name").rows() == [("unknown_security", "canonical.corporate_action")]


def test_a_trade_and_its_cash_are_one_entry_of_the_lake(provider: Provider) -> None:
    files = {
        "mt535_20220105.fin": holdings(holding()),
        "mt536_20220105.fin": movements(movement()),
        "mt940_20220105.fin": cash(":61:220105D50,NPCHNONREF", ":61:220105D1,NCHGX//B", closing="C220105USD49,",
                                   opening="C220104USD100,"),
    }  # fmt: skip
    for name, content in files.items():
        provider.put(f"alder/swift_custody/{name}", content.encode(), AT)
    _, done = provider.visit("alder")
    assert (done.blocked, done.crashed, done.lost, done.rejects.total()) == (0, 0, 0, 0)
    booked = provider.read("canonical.transaction", "alder")
    assert sorted(booked["transaction_type"].cast(pl.String)) == ["BUY", "OTHER_FEE"]
    assert booked["account_key"].n_unique() == 1
