"""Where the fields of the simulated Pershing files stand, the lines that they make, and the envelope around them.

Written out for the simulator alone, counted from the published record layouts: the platform's reader has its own copy,
so that an error in either shows. A field is its first and last column, counted from one. Every line of a form has the
form's length and ends with a marker: A for the header, X for records, Z for the trailer.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl

LINE_END = "\r\n"
RUN_TIME = "22:22:21"

Layout = Mapping[str, tuple[int, int]]

POSITION: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "account_type": (21, 21), "cusip": (22, 30),
    "portfolio_currency": (31, 33), "representative": (48, 50), "broker": (51, 53), "indicator": (54, 54),
    "issue_currency": (55, 57), "trade_stamp": (58, 65), "settlement_stamp": (66, 73), "trade_quantity": (74, 92),
    "settlement_quantity": (93, 111), "memo_quantities": (112, 282), "pending_split": (283, 301),
    "symbol": (435, 443), "type": (444, 444), "modifier": (445, 445), "calculation": (446, 446), "minor": (447, 449),
    "maturity": (470, 477), "short_name": (514, 523), "line_count": (534, 537), "description": (538, 657),
    "position_currency": (662, 664), "trade_value": (665, 683), "pool_factor": (684, 694), "rate": (695, 713),
    "settlement_value": (714, 732), "id_type": (736, 736), "id": (737, 748),
}  # fmt: skip
"""Record A of GCUS; a number and the sign byte behind it are one field here."""

POSITION_B: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "account_type": (21, 21), "cusip": (22, 30),
    "portfolio_currency": (31, 33), "representative": (48, 50), "broker": (51, 53), "coupon": (436, 453),
}  # fmt: skip

ACTIVITY: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "account_type": (21, 21), "cusip": (22, 30),
    "symbol": (48, 63), "representative": (64, 66), "transaction_type": (70, 70), "buy_sell": (71, 71),
    "codes": (73, 81), "process_date": (82, 89), "trade_date": (90, 97), "settlement_date": (98, 105),
    "reference": (115, 120), "contra_account": (127, 136), "cancel": (139, 139), "correction": (140, 140),
    "quantity": (146, 164), "price": (165, 182), "price_sign": (188, 188), "price_currency": (189, 191),
    "net": (192, 210), "principal": (211, 229), "interest": (230, 248), "commission": (249, 267), "tax": (268, 286),
    "transaction_fee": (287, 305), "misc_fee": (306, 324), "other_fee": (325, 343), "tefra": (344, 362),
    "type": (565, 565), "modifier": (566, 566), "calculation": (567, 567), "minor": (568, 570),
}  # fmt: skip
"""Record A of GACT."""

ACTIVITY_B: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "account_type": (21, 21), "currencies": (22, 30),
    "rate": (31, 49), "net": (122, 140), "principal": (141, 159), "interest": (160, 178), "commission": (179, 197),
    "line_count": (354, 355), "description": (358, 597), "indicator": (598, 598), "id_type": (622, 622),
    "id": (623, 634),
}  # fmt: skip

BALANCE_A: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "representative": (22, 24), "broker": (26, 28),
    "usde_trade": (29, 47), "usd_trade": (48, 66), "long_value": (67, 85), "short_value": (86, 104),
    "equity": (105, 123), "total_usde": (124, 142), "total_equity": (143, 161), "net_worth": (162, 180),
    "fund_principal": (181, 199), "fund_dividend": (200, 218), "available": (219, 237), "data_date": (242, 249),
}  # fmt: skip

BALANCE_B: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "representative": (22, 24), "broker": (26, 28),
    "usde_settled": (29, 47), "usd_settled": (48, 66), "base_currency": (208, 210), "data_date": (242, 249),
}  # fmt: skip

BALANCE_C: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "representative": (22, 24), "broker": (26, 28),
    "net_worth": (29, 47), "data_date": (242, 249),
}  # fmt: skip

BALANCE_TYPE: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "account_type": (21, 21), "representative": (22, 24),
    "broker": (26, 28), "trade_stamp": (29, 36), "usd_trade": (37, 55), "settlement_stamp": (56, 63),
    "usd_settled": (64, 82), "market_value": (83, 101), "equity": (102, 120), "data_date": (242, 249),
}  # fmt: skip
"""Records 1 (cash) and 2 (margin) of GMON, whose first fields stand alike."""

ACCOUNT_A: Layout = {
    "code": (1, 3), "sequence": (4, 11), "account": (12, 20), "short_name": (29, 38), "transaction_type": (41, 41),
    "account_type": (43, 43), "registration": (44, 47), "title_count": (49, 49), "titles": (50, 241),
    "redefined": (242, 262), "opened": (263, 270), "status": (279, 279), "countries": (682, 685),
}  # fmt: skip

SECURITY: Mapping[str, Layout] = {
    "A": {"type": (17, 17), "modifier": (18, 18), "calculation": (19, 19), "maturity": (28, 34), "symbol": (62, 71),
          "minor": (129, 131)},
    "B": {"latest": (48, 56), "latest_date": (87, 93), "country": (109, 111)},
    "C": {"line_count": (21, 21), "description": (22, 121)},
    "E": {"issuer": (93, 124), "currency": (125, 127)},
    "F": {"latest": (75, 92)},
    "G": {"sedol": (21, 52), "isin": (53, 64)},
}  # fmt: skip
"""Records of ISCA, besides the letter, six digits of sequence and the CUSIP (columns 1 to 16) of each."""


@dataclass(frozen=True)
class Form:
    """A form: its title in the header and trailer, the length of its lines, and its ending in file names."""

    name: str
    title: str
    length: int


GCUS = Form("GCUS", "GLOBAL CUST POS", 750)
GACT = Form("GACT", "GLOBAL ACTIVITY", 750)
GMON = Form("GMON", "GLOBAL MONEYLINE", 250)
ACCT = Form("ACCT", "CUSTOMER ACCT INFO", 750)
ISCA = Form("ISCA", "EXPANDED SEC DESC", 132)


def document(form: Form, day: date, remote: str, lines: Iterable[str], flavour: str = "", count: int = -1) -> bytes:
    """A whole file.

    Args:
        form: which.
        day: business day of the data.
        remote: four characters that name the client's connection.
        lines: the detail lines.
        flavour: REFRESHED or UPDATED, for forms that say it.
        count: what the trailer counts; default: the lines.
    """
    rows = list(lines)
    both = f"PERSHING {form.title:<18} DATA OF  {day:%m/%d/%Y} TO REMOTE {remote:<4}"
    first = f"BOF      {both} BEGINS HERE  {day:%m/%d/%Y} {RUN_TIME}".ljust(118) + flavour
    stated = len(rows) if count < 0 else count
    last = f"EOF      {both} ENDS HERE. TOTAL DETAIL RECORDS: {stated:010d}".ljust(118) + flavour
    framed = [first.ljust(form.length - 1) + "A", *rows, last.ljust(form.length - 1) + "Z"]
    return "".join(f"{row}{LINE_END}" for row in framed).encode("cp1252")


def line(form: Form, layout: Layout, values: Mapping[str, str]) -> str:
    """One detail line: every value left-justified in its field, the rest blank.

    Raises:
        KeyError: a value names no field.
        ValueError: a value is longer than its field.
    """
    parts, at = [], 1
    for name, (start, end) in sorted(((n, layout[n]) for n in values), key=lambda field: field[1]):
        if len(values[name]) > end - start + 1:
            raise ValueError(f"{name} does not fit its columns {start} to {end}")
        parts += [" " * (start - at), values[name].ljust(end - start + 1)]
        at = end + 1
    return "".join(parts).ljust(form.length - 1) + "X"


def column_lines(form: Form, frame: pl.DataFrame, layout: Layout, columns: Mapping[str, pl.Expr]) -> pl.Series:
    """Detail lines for all rows of a frame; a column is text of at most its field's width."""
    parts: list[pl.Expr] = []
    at = 1
    for name, (start, end) in sorted(((n, layout[n]) for n in columns), key=lambda field: field[1]):
        parts += [pl.lit(" " * (start - at)), columns[name].str.pad_end(end - start + 1)]
        at = end + 1
    return frame.select(pl.concat_str([*parts, pl.lit(" " * (form.length - at) + "X")]).alias("line"))["line"]


def signed(value: int, digits: int, *, plus: bool | None = None) -> str:
    """An integer as digits with the sign byte behind: ``+`` where ``plus`` (default: not negative), else ``-``."""
    sign = "+" if (value >= 0 if plus is None else plus) else "-"
    return f"{abs(value):0{digits}d}{sign}"


def signed_column(value: pl.Expr, digits: int, *, is_debit: bool = False) -> pl.Expr:
    """Integers as digits with the sign byte behind. With ``is_debit`` the sign is turned: money in is written ``-``."""
    plus, minus = ("-", "+") if is_debit else ("+", "-")
    sign = pl.when(value > 0).then(pl.lit(plus)).when(value < 0).then(pl.lit(minus)).otherwise(pl.lit("+"))
    return pl.concat_str([value.abs().cast(pl.String).str.zfill(digits), sign])


def text_lines(content: bytes) -> list[str]:
    """The lines of a file, for checks."""
    return io.TextIOWrapper(io.BytesIO(content), encoding="cp1252", newline="").read().split(LINE_END)[:-1]
