"""The registry: every connector, found where connectors live and never listed by hand."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.adapter import Adapter

_ROOMS: Final = ("connectors.custodians", "connectors.market_data")


@functools.cache
def adapters() -> Mapping[str, Adapter]:
    """Slug to connector, in alphabetical order.

    A connector is a package in one of the rooms with an ``adapter`` module that offers ``ADAPTER``, of the package's
    name. A package without that module is not a connector.

    Raises:
        TypeError: an ``adapter`` module offers no ``ADAPTER``.
        ValueError: a slug differs from its package's name or occurs twice.
    """
    found: dict[str, Adapter] = {}
    for room in _ROOMS:
        for slug, connector in adapters_in(room).items():
            if slug in found:
                raise ValueError(f"two connectors are called {slug}")
            found[slug] = connector
    return MappingProxyType(dict(sorted(found.items())))


def adapter(slug: str) -> Adapter:
    """The connector called ``slug``.

    Raises:
        KeyError: there is none; the message lists those that exist.
    """
    known = adapters()
    if slug not in known:
        raise KeyError(f"no connector {slug!r}; there are: {', '.join(known)}")
    return known[slug]


def adapters_in(room: str) -> dict[str, Adapter]:
    """The connectors of one package of packages; see ``adapters`` for what it raises."""
    found: dict[str, Adapter] = {}
    for module in pkgutil.iter_modules(importlib.import_module(room).__path__, prefix=f"{room}."):
        name = f"{module.name}.adapter"
        if not module.ispkg or importlib.util.find_spec(name) is None:
            continue
        connector = getattr(importlib.import_module(name), "ADAPTER", None)
        if not isinstance(connector, Adapter):
            raise TypeError(f"{name} offers no ADAPTER of type connectors.adapter.Adapter")
        if connector.slug != module.name.rpartition(".")[2]:
            raise ValueError(f"{name}: the slug {connector.slug!r} differs from the name of its package")
        found[connector.slug] = connector
    return found
