"""ICE evaluated prices of one day as CSV, and those re-evaluated by the next morning. The contract is invented.

Bonds have holidays of their own: there is no file on Columbus Day and Veterans Day, on which the exchange is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from simulation.market import PRICE_UNITS, Market
from simulation.securities import Security

COLUMNS = (
    "cusip", "isin", "as_of_date", "snap_time_et", "currency", "bid", "mid", "ask", "clean_dirty_flag", "accrued",
    "yield_bid", "spread", "factor", "price_type", "source", "change_flag",
)  # fmt: skip
_HALF_SPREAD = Decimal("0.125")
_CHALLENGE_DAYS = 9
_WRONG_BY = Decimal("1.5")
_DAYS_IN_COUPON = 180


def is_bond_holiday(day: date) -> bool:
    """Whether bonds rest while the exchange may be open: the second Monday of October, and 11 November."""
    if day.month == 10:
        return day.weekday() == 0 and 8 <= day.day <= 14
    veterans = date(day.year, 11, 11)
    observed = veterans + timedelta(days=1) if veterans.weekday() == 6 else veterans
    return day == observed


def challenged(market: Market, day: date) -> int | None:
    """The bond whose price of the day is wrong at first and re-evaluated by the next morning; None on most days."""
    place = market.place(day)
    quoted = [n for n, listed in enumerate(market.securities) if listed.is_bond and market.quoted[place, n]]
    return quoted[place % len(quoted)] if quoted and place % _CHALLENGE_DAYS == _CHALLENGE_DAYS - 1 else None


def files(market: Market, day: date) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and content of what comes on the evening of a day, after it what comes on the next morning."""
    if is_bond_holiday(day):
        return
    wrong = challenged(market, day)
    yield f"ice_eod_{day:%Y%m%d}.csv", "EOD", _document(market, day, wrong=wrong)
    if wrong is not None:
        yield f"ice_reval_{day:%Y%m%d}.csv", "REVAL", _document(market, day, only=wrong)


def _document(market: Market, day: date, *, wrong: int | None = None, only: int | None = None) -> bytes:
    place = market.place(day)
    rows = [",".join(COLUMNS)]
    for number, listed in enumerate(market.securities):
        if not listed.is_bond or not market.quoted[place, number] or only not in (None, number):
            continue
        clean = Decimal(int(market.prices[place, number])) / PRICE_UNITS
        if number == wrong:
            clean += _WRONG_BY
        rows.append(_row(listed, day, number, clean, "R" if only is not None else "C"))
    return ("\n".join(rows) + "\n").encode("ascii")


def _row(listed: Security, day: date, number: int, clean: Decimal, flag: str) -> str:
    """One bond; every other one is quoted with its accrued interest, and now and then a side is not given."""
    accrued = (listed.annual_rate * 100 * Decimal(day.timetuple().tm_yday % _DAYS_IN_COUPON) / 360).quantize(
        Decimal("0.00001")
    )
    is_dirty = number % 2 == 1
    mid = clean + accrued if is_dirty else clean
    ask = "" if (number + day.day) % 5 == 0 else f"{mid + _HALF_SPREAD:f}"
    cells = (
        listed.cusip or "", listed.isin, day.isoformat(), "16:00" if listed.currency == "USD" else "15:00",
        listed.currency, f"{mid - _HALF_SPREAD:f}", f"{mid:f}", ask, "D" if is_dirty else "C", f"{accrued:f}", "4.1250",
        "85.0", "0", "EVAL", "IDC", flag,
    )  # fmt: skip
    return ",".join(cells)
