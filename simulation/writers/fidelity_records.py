"""Records of the simulated NFS (Fidelity) transmissions, one function for each.

Quantities have five implied decimals, prices nine, money two. Account numbers are a branch of three and six digits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from simulation.firm import Account
from simulation.lots import Gain, Lot, is_covered
from simulation.market import PRICE_UNITS, Market
from simulation.scene import Scene
from simulation.securities import Security
from simulation.transactions import CENT, Transaction, principal
from simulation.writers.fidelity_layouts import (
    LENGTHS,
    day_text,
    described,
    digits,
    line,
    signed_after,
    signed_before,
)

CASH_TYPE: Final = "1"
KEY_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "BUY": ("01", "BOT"), "SELL": ("02", "SLD"), "DIVIDEND": ("11", "DIV"), "INTEREST": ("12", "INT"),
    "DEPOSIT": ("21", "DEP"), "WITHDRAWAL": ("22", "WDR"), "ADVISORY_FEE": ("31", "AFE"), "OTHER_FEE": ("32", "FEE"),
    "TAX_WITHHELD": ("33", "TXW"), "TRANSFER_IN": ("41", "RCV"), "TRANSFER_OUT": ("42", "DLV"),
    "JOURNAL": ("51", "JNL"),
}  # fmt: skip
"""Ledger type to key code and mnemonic, both invented."""

_REGISTRATIONS: Final = {"IND": "INDV", "JT": "JTWR", "TRUST": "TRST", "IRA": "IRRL", "ROTH": "ROTH"}
_TERMS: Final = {"short": "S", "long": "L", "unknown": " "}
_NINE_DECIMALS: Final = 10**9 // PRICE_UNITS
_SIX_DIGITS: Final = 1_000_000


def name_lines(account: Account) -> Iterator[str]:
    """Record 101 of an account, its address (102) and its name (103): a trust's stands where a person's does."""
    length = LENGTHS["NABASE"]
    start = [(1, "D"), (5, "0001"), (9, account.account_number)]
    registration = _REGISTRATIONS[account.registration]
    yield line(
        length,
        [start[0], (2, "101"), *start[1:], (18, registration), (22, day_text(account.opened_date)),
         (30, "00000000"), (38, "A"), (39, account.base_currency)],
    )  # fmt: skip
    yield line(length, [start[0], (2, "102"), *start[1:], (36, "1 EXAMPLE STREET"), (66, "SPRINGFIELD")])
    if registration == "TRST":
        name = [(22, "B"), (23, "Y"), (24, account.title[:50])]
    else:
        given, _, family = account.title.partition(" ")
        name = [(22, "P"), (23, "Y"), (24, given[:12]), (46, family[:25]), (91, "00000000"), (99, "00000000")]
    yield line(length, [start[0], (2, "103"), *start[1:], (18, "0001"), *name])
    yield line(length, [start[0], (2, "210"), *start[1:], (18, "000000000")])


def position_line(scene: Scene, account: Account, security: int, quantity: int, day: date) -> str:
    """A holding of the position extract."""
    market, place = scene.market, scene.market.place(day)
    listed, price = market.securities[security], int(market.prices[place, security])
    value = principal(market, account, security, day, quantity, price)
    quoted = digits(price * _NINE_DECIMALS, 18)
    return line(
        LENGTHS["POSIT"],
        [(1, "D"), (3, "0001"), (7, account.account_number), (16, CASH_TYPE), (19, (listed.cusip or "").ljust(9)),
         (29, _type(listed)), (50, listed.ticker.ljust(9)), (59, quoted + "+"), (78, signed_after(quantity, 18)),
         (97, "00000000"), (105, signed_after(scene.settled_quantity(account, security, day), 18)),
         *((at, signed_after(0, 18)) for at in (124, 143, 162, 181, 200, 219, 238)),
         (317, digits(_coupon(listed), 5) + "+"), (324, "6"), (335, described(listed.name)),
         (546, day_text(_maturity(listed))), (569, signed_after(value // CENT, 17)), (587, "0" * 10),
         (597, "+" + quoted), (616, "+" + "0" * 10), (627, "00000000"), (635, "+" + "0" * 8), (650, "000000"),
         (687, signed_after(quantity, 18)), (706, signed_after(0, 18)), (869, listed.isin.ljust(15)),
         (884, (listed.sedol or "").ljust(15)), (899, listed.currency),
         (936, day_text(_price_day(market, place, security)))],
    )  # fmt: skip


def bookkeeping_line(market: Market, booking: Transaction, day: date, *, is_cancel: bool) -> str:
    """A ledger entry. A cancel repeats the row of its booking with the cancel code set.

    The expanded copies of quantity and amounts hold every number; the short ones overflow into stars.
    """
    key, mnemonic = KEY_CODES[booking.type]
    listed = None if booking.security is None else market.securities[booking.security]
    amount, gross = booking.amount // CENT, abs(booking.amount) // CENT
    if listed is not None and booking.price and booking.security is not None:
        worth = principal(
            market, booking.account, booking.security, booking.trade_date, abs(booking.quantity), booking.price
        )
        gross = worth // CENT
    code = "2" if is_cancel and booking.reported_date == day else "1"
    side = {"BUY": "B", "SELL": "S"}.get(booking.type, " ")
    name = "" if listed is None else listed.name
    return line(
        LENGTHS["BOOKKEEP"],
        [(1, "D"), (2, booking.account.account_number), (11, CASH_TYPE), (12, _cusip(listed)),
         (21, key), (23, mnemonic), (26, f"{booking.number % _SIX_DIGITS:06d}"), (32, day_text(day)),
         (40, day_text(booking.settle_date)), (48, " "), (49, signed_after(booking.quantity, 13)),
         (63, signed_after(amount, 11)), (75, signed_after(gross, 11)), (87, "2"),
         (88, f"{booking.type.replace('_', ' '):20}{name[:20]:20}"), (268, day_text(booking.trade_date)),
         (326, side), (330, code if is_cancel else " "), (331, " "), (418, signed_after(gross, 15)),
         (434, signed_after(booking.price * _NINE_DECIMALS, 18)),
         *((at, signed_after(0, 11)) for at in (464, 476, 488, 507, 519)),
         (718, signed_after(booking.quantity, 18)), (737, signed_after(amount, 13)), (751, signed_after(gross, 13)),
         (765, signed_after(booking.accrued_interest // CENT, 13)),
         (779, signed_after(booking.commission // CENT, 13)), (868, ("" if listed is None else listed.isin).ljust(15)),
         (883, (("" if listed is None else listed.sedol) or "").ljust(15)), (898, booking.account.base_currency)],
    )  # fmt: skip


def balance_line(scene: Scene, account: Account, day: date) -> str:
    """An account's balances: signs before the amounts, core funds nought, one account type."""
    cash, settled = scene.cash(account, day) // CENT, scene.settled_cash(account, day) // CENT
    market, place = scene.market, scene.market.place(day)
    value = sum(
        principal(market, account, security, day, quantity, int(market.prices[place, security]))
        for security, quantity in scene.holdings(account, day).items()
    ) // CENT  # fmt: skip
    unsettled = cash - settled
    amounts = [value + cash, settled, settled, cash, value, *(0,) * 15]
    return line(
        LENGTHS["ACCTBAL"],
        [(1, "D"), (2, account.account_number), (11, f"{day:%y%m%d}"),
         *((17 + 18 * at, signed_before(amount, 17)) for at, amount in enumerate(amounts)),
         (377, "00000"), *((382 + 18 * at, signed_before(0, 17)) for at in range(5)), (484, "001"),
         *((490 + 18 * at, signed_before(amount, 17)) for at, amount in enumerate((cash, 0, cash, value + cash))),
         (562, CASH_TYPE), (563, signed_before(value, 17)), (581, signed_before(cash, 17)),
         (599, signed_before(settled, 17)), (1121, signed_before(0, 17)), (1139, signed_before(settled, 17)),
         (1157, signed_before(settled, 17)), (1175, signed_before(max(unsettled, 0), 17)),
         (1193, signed_before(min(unsettled, 0), 17)), (1211, signed_before(settled, 17)),
         (1229, signed_before(0, 17)), (1247, signed_before(0, 17))],
    )  # fmt: skip


def security_lines(market: Market, security: int, day: date) -> Iterator[str]:
    """Record 1 of a security, and for a bond a second one that adds to it."""
    listed, place = market.securities[security], market.place(day)
    quoted = digits(int(market.prices[place, security]) * _NINE_DECIMALS, 18)
    yield line(
        LENGTHS["SECMAST"],
        [(1, "D1"), (4, (listed.cusip or "").ljust(9)), (13, listed.ticker.ljust(9)), (22, _type(listed)),
         (24, described(listed.name)), (156, listed.currency), (159, listed.isin.ljust(15)),
         (174, (listed.sedol or "").ljust(15)), (189, digits(_coupon(listed), 5)),
         (194, day_text(_maturity(listed))), (202, listed.isin[:2] if listed.isin[:2] == "US" else "  "),
         (385, "0" * 10), (395, "00000000"), (437, "0" * 36 + quoted),
         (491, day_text(_price_day(market, place, security))), (499, "+" + quoted), (518, "+" + quoted),
         (575, "+" + "0" * 10), (586, "00000000"), (594, "+" + "0" * 8)],
    )  # fmt: skip
    if listed.is_bond:
        yield line(LENGTHS["SECMAST"], [(1, "D2B")])


def open_lot_line(scene: Scene, account: Account, lot: Lot, day: date, indicator: str) -> str:
    """An open tax lot; a closed one of a delta has the indicator D and no quantity."""
    market = scene.market
    place, listed = market.place(day), market.securities[lot.security]
    price = int(market.prices[place, lot.security])
    value = principal(market, account, lot.security, day, lot.quantity, price) // CENT
    cost = None if lot.cost is None else lot.cost // CENT
    return line(
        LENGTHS["TLAOPEN"],
        [(1, "D"), (2, indicator), (3, account.account_number), (12, CASH_TYPE), (13, (listed.cusip or "").ljust(9)),
         (22, described(listed.name)), (154, digits(price * _NINE_DECIMALS, 18) + "+"),
         (173, signed_after(lot.quantity, 18)), (192, signed_after(value, 17)),
         (210, " " * 18 if cost is None else signed_after(cost, 17)),
         (228, " " * 18 if cost is None else signed_after(value - cost, 17)), (247, day_text(lot.acquired_date)),
         (255, "F"), (257, "N"), (258, "L"), (385, "Y" if is_covered(account, lot.acquired_date) else "N"),
         (387, "00000000"), (440, lot.lot_id.ljust(34)), (474, "NN"), (476, "Y" if cost is None else "N"),
         (477, "F"), (541, day_text(day)), (549, (listed.sedol or "").ljust(7))],
    )  # fmt: skip


def closed_lot_line(market: Market, account: Account, gain: Gain) -> str:
    """What one sale realised on one lot."""
    listed = market.securities[gain.security]
    cost = None if gain.cost is None else gain.cost // CENT
    proceeds = gain.proceeds // CENT
    closed_id = f"{gain.lot_id}{gain.sold_date:%Y%m%d}{gain.number:06d}"
    return line(
        LENGTHS["TLACLOSED"],
        [(1, "D"), (2, "A"), (3, account.account_number), (12, CASH_TYPE), (13, (listed.cusip or "").ljust(9)),
         (22, described(listed.name)), (154, signed_after(gain.quantity, 18)), (173, signed_after(proceeds, 17)),
         (191, " " * 18 if cost is None else signed_after(cost, 17)),
         (209, " " * 18 if cost is None else signed_after(proceeds - cost, 17)), (227, signed_after(0, 17)),
         (245, day_text(gain.acquired_date)), (253, day_text(gain.sold_date)), (261, "00000000"),
         (269, _TERMS[gain.term]), (270, "L"), (271, "N"),
         (272, "Y" if is_covered(account, gain.acquired_date) else "N"), (274, gain.lot_id.ljust(34)),
         (308, closed_id.ljust(66)), (374, "Y" if cost is None else "N"), (375, (listed.sedol or "").ljust(7))],
    )  # fmt: skip


def _type(listed: Security) -> str:
    return "B " if listed.is_bond else "S "


def _cusip(listed: Security | None) -> str:
    return ((None if listed is None else listed.cusip) or "").ljust(9)


def _coupon(listed: Security) -> int:
    """Percent in 0.001, which the feed's three decimals cut."""
    return int(listed.annual_rate * 100_000) if listed.is_bond else 0


def _maturity(listed: Security) -> date | None:
    return date(2000 + int(listed.ticker[-2:]), 6, 15) if listed.is_bond else None


def _price_day(market: Market, place: int, security: int) -> date:
    return market.days[int(market.price_places[place, security])]
