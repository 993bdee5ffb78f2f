"""The settings of the simulated firms, as a firm would write them: a connection for every custodian and vendor.

Belongs here: what stands in the demo's ``tenants/*.yaml``. Does not belong here: running anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from contracts.table import SHARED_TENANT
from pipelines.environment import Environment

if TYPE_CHECKING:
    from simulation.world import World

SECRET: Final = "sftp_password"  # noqa: S105 (the name of the file that holds it)
VENDOR_RANK: Final = ("bloomberg", "lseg", "factset", "ice", "closing_prices")
"""Price sources of the demo's firms, best first, after each custodian's own."""


@dataclass(frozen=True)
class ProviderServer:
    """The SFTP server that shows what the simulated providers deliver.

    Attributes:
        known_hosts: path of the file with its key.
        password: put into the secrets folder, and named in the settings.
    """

    host: str
    port: int
    username: str
    known_hosts: Path
    password: str


@dataclass(frozen=True)
class Feed:
    """One connection of a tenant.

    Attributes:
        adapter: the connector.
        masters: master accounts, client ids or rep codes under which the custodian delivers.
        codes: the firm's own tables of codes, name to CSV.
    """

    adapter: str
    masters: tuple[str, ...] = ()
    codes: Mapping[str, bytes] = field(default_factory=dict)


SPINE: Final[Mapping[str, Mapping[str, Feed]]] = {
    SHARED_TENANT: {"ecb": Feed("ecb"), "closing_prices": Feed("closing_prices")},
    "alder": {"schwab_main": Feed("schwab", ("08123456",)), "ofx_direct": Feed("ofx")},
    "birch": {"schwab_main": Feed("schwab", ("08765432",))},
}
"""Feeds of the smallest demo: two firms at Schwab, one of them with OFX statements as well."""


def feeds_of(world: World) -> dict[str, dict[str, Feed]]:
    """Tenant to connection to feed: one for every custodian at which the tenant has accounts, and for every vendor."""
    from simulation.writers.tda import symbol_table

    found: dict[str, dict[str, Feed]] = {SHARED_TENANT: {"ecb": Feed("ecb"), "closing_prices": Feed("closing_prices")}}
    found[SHARED_TENANT] |= {vendor: Feed(vendor) for vendor in world.config.vendors}
    for account in world.firm.accounts:
        adapter = "ofx" if account.style.startswith("ofx") else account.style
        feeds = found.setdefault(account.tenant, {})
        if account.connection not in feeds:
            # TD Ameritrade's files name shares by symbol alone: which CUSIP one stands for, the firm says.
            codes = {"symbols": symbol_table(world.market)} if adapter == "tda" else {}
            feeds[account.connection] = Feed(adapter, _masters(adapter, account.master_account), codes)
    return found


def _masters(adapter: str, master: str | None) -> tuple[str, ...]:
    """How a custodian names the firm: Schwab and TDA by the master account or rep code, NFS and Pershing by less."""
    if master is None:
        return ()
    return (master[-3:] if adapter == "fidelity" else master[-4:] if adapter == "pershing" else master,)


def write_settings(
    environment: Environment, server: ProviderServer, feeds: Mapping[str, Mapping[str, Feed]] = SPINE
) -> None:
    """Write ``tenants/<slug>.yaml`` for every tenant, and the server's password into the secrets folder."""
    home = environment.home
    for folder in ("tenants", "secrets"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    secret = home / "secrets" / SECRET
    secret.write_text(server.password)
    secret.chmod(0o600)
    for tenant, connections in feeds.items():
        for feed in connections.values():
            for table, content in feed.codes.items():
                path = home / "tenants" / _codes_file(tenant, feed, table)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
        settings = {
            "tenant": tenant,
            "name": tenant.strip("_").title(),
            "price_sources": list(VENDOR_RANK),
            "connections": [_connection(server, tenant, name, feed) for name, feed in connections.items()],
        }
        (home / "tenants" / f"{tenant}.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))


def _codes_file(tenant: str, feed: Feed, table: str) -> str:
    return f"codes/{tenant}_{feed.adapter}_{table}.csv"


def _connection(server: ProviderServer, tenant: str, name: str, feed: Feed) -> dict[str, Any]:
    transport = {
        "kind": "sftp", "host": server.host, "port": server.port, "username": server.username,
        "path": f"{tenant}/{name}", "known_hosts": str(server.known_hosts), "password_ref": f"file:{SECRET}",
    }  # fmt: skip
    return {
        "connection_id": name, "adapter": feed.adapter, "transport": transport, "master_accounts": list(feed.masters),
        # The demo takes in a history of past deliveries as if each had arrived on its own morning.
        "received_at": "remote_mtime",
        "codes": {table: _codes_file(tenant, feed, table) for table in feed.codes},
    }  # fmt: skip
