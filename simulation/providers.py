"""Who delivers files in the simulated world beside Schwab's core files and OFX: writers by custodian and by vendor.

Each is a module of ``simulation.writers`` that offers ``files``; it is imported when a world needs it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Final

from simulation.firm import Style
from simulation.market import Market
from simulation.scene import CustodianWriter

CUSTODIANS: Final[Mapping[Style, str]] = {
    "fidelity": "fidelity", "pershing": "pershing", "tda": "tda", "ibflex": "ibflex", "swift": "swift",
}  # fmt: skip
"""Style of account to the module that writes its custodian's files."""

VENDORS: Final = ("bloomberg", "factset", "ice", "lseg")
"""Modules that write a market-data vendor's files; each is also the name of the vendor's connection."""

VendorWriter = Callable[[Market, date], Iterator[tuple[str, str, bytes]]]


def custodian_writer(style: Style) -> CustodianWriter:
    """The writer of a style's files; KeyError for a style whose files are written elsewhere."""
    writer: CustodianWriter = importlib.import_module(f"simulation.writers.{CUSTODIANS[style]}").files
    return writer


def vendor_writer(vendor: str) -> VendorWriter:
    """The writer of a vendor's files.

    Raises:
        ValueError: there is no such vendor.
    """
    if vendor not in VENDORS:
        raise ValueError(f"no simulated vendor {vendor!r}; there are: {', '.join(VENDORS)}")
    writer: VendorWriter = importlib.import_module(f"simulation.writers.{vendor}").files
    return writer
