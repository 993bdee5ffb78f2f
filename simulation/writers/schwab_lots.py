"""Schwab-style lot files, byte for byte: ULT and ULN (open lots), RLY (realised gains) and MXR (the account map).

Header, trailer and number style are those of the other Core files. The columns of RLY are not public; they and the
record types DG (RLY) and D1 (MXR) are invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from simulation.firm import Account
from simulation.lots import Gain, Lot, term
from simulation.scene import Scene
from simulation.transactions import MONEY_UNITS, QUANTITY_UNITS, principal
from simulation.writers import schwab
from simulation.writers.schwab import Master
from simulation.writers.schwab_layouts import Layout, record

LOT: Final[Layout] = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("account_number", 10), ("product_code", 4), ("product_category_code", 8), ("tax_code", 8),
    ("symbol", 30), ("cusip", 9), ("schwab_security_number", 7), ("item_issue_id", 10), ("isin", 12), ("sedol", 7),
    ("options_display_symbol", 30), ("underlying_ticker", 30), ("underlying_cusip", 9),
    ("underlying_schwab_number", 7), ("underlying_item_issue_id", 10), ("underlying_isin", 12),
    ("underlying_sedol", 7), ("quantity", 18), ("long_short_indicator", 1), ("transaction_code", 5),
    ("market_value", 19), ("accrued_interest", 17), ("acquired_date", 8), ("original_purchase_date", 8),
    ("original_purchase_price", 21), ("yield_to_maturity", 13), ("cost_basis", 17), ("cost_per_share", 21),
    ("adjusted_cost_basis", 17), ("adjusted_cost_per_share", 25), ("unrealized_gain_loss", 19), ("days_held", 5),
    ("holding_term", 1), ("fully_known_indicator", 1), ("cost_basis_type", 1), ("taxable_indicator", 1),
    ("certified_indicator", 1), ("original_face", 17), ("lot_selection_method", 5), ("wash_sale_indicator", 1),
    ("version_marker_1", 8), ("disallowed_loss", 19), ("transaction_cost", 17), ("transaction_cost_per_share", 25),
    ("version_marker_2", 8), ("gift_inherit_indicator", 1), ("original_cost_basis", 17), ("version_marker_3", 8),
    ("adjusted_cost_incl_unpaid_amortization", 17),
)  # fmt: skip
"""An open lot: record DL of the ULT and ULN files, 54 fields."""

GAIN: Final[Layout] = (
    ("record_type", 2), ("custodian_id", 8), ("master_account_number", 10), ("master_account_name", 30),
    ("business_date", 8), ("account_number", 10), ("product_code", 4), ("product_category_code", 8), ("tax_code", 8),
    ("symbol", 30), ("cusip", 9), ("schwab_security_number", 7), ("item_issue_id", 10), ("isin", 12), ("sedol", 7),
    ("options_display_symbol", 30), ("quantity", 18), ("long_short_indicator", 1), ("acquired_date", 8),
    ("sold_date", 8), ("proceeds", 17), ("cost_basis", 17), ("realized_gain_loss", 19), ("holding_term", 1),
    ("fully_known_indicator", 1), ("wash_sale_indicator", 1), ("disallowed_loss", 19),
)  # fmt: skip
"""A closed lot: record DG of the RLY file; invented."""

_TERMS = {"short": "S", "long": "L", "unknown": ""}


def files(scene: Scene, tenant: str, accounts: Sequence[Account], day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of the lot files of a business day, a set for each master account."""
    masters = sorted({account.master_account or "" for account in accounts})
    for number in masters:
        master = Master(number, f"{tenant.upper()} WEALTH PARTNERS"[:30])
        own = [account for account in accounts if account.master_account == number]
        lots = {
            kind: [
                lot_line(scene, master, account, lot, day)
                for account in own
                if (account.tax_status == "taxable") == (kind == "ULT")
                for lot in scene.lots(account, day)
            ]
            for kind in ("ULT", "ULN")
        }
        gains = [
            gain_line(scene, master, account, gain, day)
            for account in own
            for gain in scene.gains(account, day)
            if gain.sold_date.year == day.year
        ]
        for kind, lines in (lots | {"RLY": gains}).items():
            content = schwab.document(master, day, kind, [schwab.text_block(lines)])
            yield schwab.file_name(day, kind), kind, content


def map_document(master: Master, day: date, moves: Sequence[tuple[str, str, str]]) -> bytes:
    """An MXR file.

    Args:
        master: under which the accounts are now.
        day: of the file.
        moves: rep code, number at TD Ameritrade, number at Schwab.
    """
    lines = [f"D1|{master.number.rjust(10)}|{rep}|{new.rjust(10)}|{old}|" for rep, old, new in moves]
    return schwab.document(master, day, "MXR", [schwab.text_block(lines)])


def lot_line(scene: Scene, master: Master, account: Account, lot: Lot, day: date) -> str:
    """A DL record: an open lot, with what it is worth at the day's close."""
    market, place = scene.market, scene.market.place(day)
    worth = principal(market, account, lot.security, day, lot.quantity, int(market.prices[place, lot.security]))
    values = _prefix(scene, master, account, lot.security, day, "DL") | {
        "quantity": schwab.decimal_text(lot.quantity, QUANTITY_UNITS).rjust(18),
        "long_short_indicator": "L",
        "market_value": _money(worth, 19),
        "acquired_date": "" if lot.acquired_date is None else f"{lot.acquired_date:%Y%m%d}",
        "original_purchase_date": "" if lot.acquired_date is None else f"{lot.acquired_date:%Y%m%d}",
        "holding_term": _TERMS[term(lot.acquired_date, day)],
        "fully_known_indicator": "N" if lot.cost is None else "Y",
        "taxable_indicator": "Y" if account.tax_status == "taxable" else "N",
        "certified_indicator": "Y",
        "lot_selection_method": "FIFO",
        "wash_sale_indicator": "N",
        "disallowed_loss": _money(0, 19),
    }
    if lot.cost is not None:
        values |= {
            "cost_basis": _money(lot.cost, 17),
            "adjusted_cost_basis": _money(lot.cost, 17),
            "unrealized_gain_loss": _money(worth - lot.cost, 19),
        }
    return record(LOT, values)


def gain_line(scene: Scene, master: Master, account: Account, gain: Gain, day: date) -> str:
    """A DG record: what the closing of a lot brought."""
    values = _prefix(scene, master, account, gain.security, day, "DG") | {
        "quantity": schwab.decimal_text(gain.quantity, QUANTITY_UNITS).rjust(18),
        "long_short_indicator": "L",
        "acquired_date": "" if gain.acquired_date is None else f"{gain.acquired_date:%Y%m%d}",
        "sold_date": f"{gain.sold_date:%Y%m%d}",
        "proceeds": _money(gain.proceeds, 17),
        "holding_term": _TERMS[gain.term],
        "fully_known_indicator": "N" if gain.cost is None else "Y",
        "wash_sale_indicator": "N",
        "disallowed_loss": _money(0, 19),
    }
    if gain.cost is not None:
        values |= {
            "cost_basis": _money(gain.cost, 17),
            "realized_gain_loss": _money(gain.proceeds - gain.cost, 19),
        }
    return record(GAIN, values)


def _prefix(scene: Scene, master: Master, account: Account, security: int, day: date, kind: str) -> dict[str, str]:
    named = schwab.identifiers(scene.market.securities[security])
    renamed = {"symbol": named.pop("ticker")}
    kept = (
        "product_code",
        "product_category_code",
        "cusip",
        "schwab_security_number",
        "item_issue_id",
        "isin",
        "sedol",
    )
    return (
        schwab.prefix(master, day)
        | {"record_type": kind, "account_number": account.account_number.rjust(10)}
        | renamed
        | {name: named[name] for name in kept}
    )


def _money(value: int, width: int) -> str:
    return schwab.decimal_text(value, MONEY_UNITS).strip().rjust(width)
