"""The simulated world: everything that happened, and the files that tell of it, written to a folder.

    world = simulate(demo_config(accounts=200))
    write_world(world, Path("sandbox"))                      # every day at once
    write_day(world, Path("sandbox"), date(2022, 1, 4))      # or night by night

``<out>/sftp`` is what an SFTP server shows, ``<out>/truth`` is what a test compares with, ``<out>/manifest.json`` lists
the files in the order of their arrival.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path

import polars as pl

from simulation.delivery import Delivery
from simulation.faults import FileFault, TradingFault, apply_to_files, apply_to_trading
from simulation.feeds import SHARED, Feeds
from simulation.firm import Firm, Style, TenantPlan, firm
from simulation.market import Ints, Market, market
from simulation.trading import Trading, trading
from simulation.truth import Holdings, Pricing, Valuation, flows, holdings, position_values, valuations
from simulation.truth_frames import (
    accounts_frame,
    cash_frame,
    positions_frame,
    securities_frame,
    transactions_frame,
    valuations_frame,
    write_frames,
)

Fault = FileFault | TradingFault

DEMO_PLANS: Mapping[str, TenantPlan] = {
    "alder": TenantPlan(accounts=120, master_account="08123456", ofx_share=0.2),
    "birch": TenantPlan(accounts=80, master_account="08765432"),
}


@dataclass(frozen=True)
class SimulationConfig:
    """What to simulate. Two equal configurations give the same bytes.

    Attributes:
        seed: of everything that is drawn.
        tenants: slug to plan.
        first_date: first day; accounts open with holdings on the first business day from it.
        last_date: last day.
        faults: applied in their order.
        vendors: market-data vendors beside the closing prices and the euro rates (``simulation.providers.VENDORS``).
    """

    seed: int = 7
    tenants: Mapping[str, TenantPlan] = field(default_factory=lambda: dict(DEMO_PLANS))
    first_date: date = date(2022, 1, 3)
    last_date: date = date(2022, 12, 28)
    faults: tuple[Fault, ...] = ()
    vendors: tuple[str, ...] = ()


@dataclass(frozen=True)
class ManifestEntry:
    """One delivered file. ``arrived_at`` is UTC in ISO form, dates are ISO."""

    path: str
    tenant: str
    connection: str
    kind: str
    business_date: str
    night: str
    arrived_at: str
    size_bytes: int
    fault: str | None


@dataclass(frozen=True)
class Manifest:
    """All files delivered so far, in the order of their arrival."""

    entries: tuple[ManifestEntry, ...]

    def write(self, out: Path) -> None:
        """Write ``<out>/manifest.json``."""
        text = json.dumps([asdict(entry) for entry in self.entries], indent=1)
        (out / "manifest.json").write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, out: Path) -> Manifest:
        """The manifest in ``out``; an empty one when there is none."""
        path = out / "manifest.json"
        if not path.exists():
            return cls(())
        return cls(tuple(ManifestEntry(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))))


@dataclass(frozen=True)
class World:
    """A simulated world and its truth.

    Attributes:
        held: positions and cash in the final view: what the platform must arrive at once all files are in.
        reported: positions and cash as the custodians' files state them day by day.
        values: of the positions in ``held``, int64, accounts × days × securities, in 0.0001 of the base currency.
        valuations: per account and day.
    """

    config: SimulationConfig
    market: Market
    firm: Firm
    booked: Trading
    held: Holdings
    reported: Holdings
    values: Ints
    valuations: list[Valuation]

    @cached_property
    def feeds(self) -> Feeds:
        """The undisturbed files."""
        return Feeds(self.config.seed, self.market, self.firm, self.booked, self.reported, self.config.vendors)

    def frames(self, tenant: str) -> dict[str, pl.DataFrame]:
        """The tenant's truth: accounts, transactions, positions, cash and valuations."""
        return {
            "accounts": accounts_frame(self.firm, tenant),
            "transactions": transactions_frame(self.market, self.booked.transactions, tenant),
            "positions": positions_frame(self.market, self.firm, self.held, self.values, tenant),
            "cash": cash_frame(self.market, self.firm, self.held, tenant),
            "valuations": valuations_frame(self.market, self.firm, self.valuations, tenant),
        }

    def deliveries(self, night: date) -> list[Delivery]:
        """The files that the nightly run of one business day finds for the first time, in the order of arrival."""
        faults = [fault for fault in self.config.faults if isinstance(fault, FileFault)]
        struck = {self._night_of(fault.business_date) for fault in faults if fault.business_date < night}
        days = sorted({night} | {day for day in struck if day < night})
        found = [
            delivery
            for day in days
            for delivery in apply_to_files(faults, self.feeds.deliveries(day), self.market.calendar)
            if delivery.night == night
        ]
        return sorted(found, key=lambda delivery: (delivery.arrived_at, delivery.path))

    def _night_of(self, day: date) -> date:
        return self.market.days[self.market.place(day)]


def demo_config(
    accounts: int = 200,
    seed: int = 7,
    first_date: date = date(2022, 1, 3),
    last_date: date = date(2022, 12, 28),
    faults: tuple[Fault, ...] = (),
    *,
    styles: tuple[Style, ...] = ("schwab",),
    vendors: tuple[str, ...] = (),
) -> SimulationConfig:
    """The demo's two tenants with ``accounts`` accounts in all, three fifths of them alder's.

    ``styles``: the custodians at which alder's accounts sit beside OFX; birch stays with Schwab alone.
    """
    first = max(1, accounts * 3 // 5)
    plans = {
        "alder": replace(DEMO_PLANS["alder"], accounts=first, styles=styles),
        "birch": replace(DEMO_PLANS["birch"], accounts=max(1, accounts - first)),
    }
    return SimulationConfig(seed, plans, first_date, last_date, faults, vendors)


def simulate(config: SimulationConfig) -> World:
    """Let the configured world happen."""
    scene = market(config.seed, config.first_date, config.last_date)
    people = firm(config.seed, config.tenants, scene.days)
    trading_faults = [fault for fault in config.faults if isinstance(fault, TradingFault)]
    booked = apply_to_trading(trading_faults, trading(config.seed, scene, people), scene)
    held = holdings(scene, people, booked, is_as_reported=False)
    reported = holdings(scene, people, booked, is_as_reported=True) if trading_faults else held
    pricing = Pricing(scene)
    values = position_values(pricing, people, held)
    moved = flows(scene, people, booked.transactions, pricing)
    return World(config, scene, people, booked, held, reported, values, valuations(people, held, values, moved))


def write_world(world: World, out: Path, until: date | None = None) -> Manifest:
    """Write the truth and every file that nightly runs up to ``until`` (default: the last day) find.

    A file delivered again under its name overwrites the earlier one, as on a provider's server; the manifest keeps
    both.
    """
    write_truth(world, out)
    entries: list[ManifestEntry] = []
    for night in world.market.days:
        if until is None or night <= until:
            entries.extend(_write_files(world.deliveries(night), out))
    manifest = Manifest(tuple(entries))
    manifest.write(out)
    return manifest


def write_day(world: World, out: Path, night: date) -> Manifest:
    """Add the files of one night to a folder and its manifest; returns the entries of that night."""
    entries = tuple(_write_files(world.deliveries(night), out))
    Manifest(Manifest.read(out).entries + entries).write(out)
    return Manifest(entries)


def write_truth(world: World, out: Path) -> None:
    """Write ``<out>/truth/<tenant>/*.parquet`` and ``<out>/truth/_shared/securities.parquet``."""
    write_frames({"securities": securities_frame(world.market)}, out / "truth" / SHARED)
    for tenant in sorted(world.config.tenants):
        write_frames(world.frames(tenant), out / "truth" / tenant)


def _write_files(deliveries: list[Delivery], out: Path) -> Iterator[ManifestEntry]:
    for delivery in deliveries:
        path = out / "sftp" / delivery.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(delivery.content)
        stamp = int(delivery.arrived_at.timestamp()) * 10**9
        os.utime(path, ns=(stamp, stamp))
        yield ManifestEntry(
            path=f"sftp/{delivery.path}", tenant=delivery.tenant, connection=delivery.connection, kind=delivery.kind,
            business_date=delivery.business_date.isoformat(), night=delivery.night.isoformat(),
            arrived_at=delivery.arrived_at.isoformat(), size_bytes=len(delivery.content), fault=delivery.fault,
        )  # fmt: skip
