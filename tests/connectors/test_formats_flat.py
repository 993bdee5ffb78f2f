"""Flat records: what the compiled readers make of every text, held against Python's own Decimal and dates."""

from __future__ import annotations

import csv
import io
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.flat import Day, FlatField, FlatLayout, Number, Text, read_layouts, read_records
from connectors.formats.lines import cut_lines, iterate_blocks, lines_of
from connectors.formats.rejects import separated

TABLE = "canonical.custodian_position"


def lines(*texts: str) -> pl.DataFrame:
    return pl.DataFrame(
        {"line": list(range(1, len(texts) + 1)), "text": list(texts)}, schema={"line": pl.Int64, "text": pl.String}
    )


def one(kind: str, width: int, *, decimals: int = 0, format: str = "", sign: int = 0, start: int = 1) -> FlatLayout:
    return FlatLayout((FlatField("x", 1, start, start + width - 1, kind, decimals, format, sign),))


def reasons(frame: pl.DataFrame, checks: list, table: str = TABLE) -> list[tuple[int, str]]:
    return [
        (line, str(reason))
        for line, reason in separated(frame, checks, table)[1].select("source_line", "reason").rows()
    ]


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12) + 1, max_value=10**12 - 1),
        min_size=1,
    )
)
@settings(deadline=None)
def test_a_number_with_a_point_is_the_decimal_that_it_writes(values: list[Decimal]) -> None:
    texts = [f"{value:f}" for value in values]
    frame, _ = read_records(lines(*texts), one("F", 40), [Number("x", 8)])
    assert frame["x"].to_list() == values


@given(
    st.lists(st.tuples(st.integers(0, 10**18 - 1), st.sampled_from("+- "), st.integers(0, 9)), min_size=1, max_size=30),
    st.sampled_from([4, 8]),
)
@settings(deadline=None)
def test_implied_decimals_and_a_sign_byte_give_the_decimal_or_a_named_fault(
    drawn: list[tuple[int, str, int]], scale: int
) -> None:
    decimals = drawn[0][2]
    layout = one("N", 18, decimals=decimals, sign=19)
    frame, checks = read_records(lines(*(f"{n:018d}{s}" for n, s, _ in drawn)), layout, [Number("x", scale)])
    held = dict(reasons(frame, checks))
    for row, (number, sign, _) in enumerate(drawn, 1):
        value = Decimal(number).scaleb(-decimals) * (-1 if sign == "-" else 1)
        scaled = value.scaleb(scale)
        fits = scaled == int(scaled) and abs(int(scaled)) < 10**20
        assert frame["x"][row - 1] == (value if fits else None)
        assert held.get(row) == (None if fits else "number_out_of_range")


@pytest.mark.parametrize(
    ("text", "value"),
    [("0000{", 0), ("0001A", 11), ("0001}", -10), ("0001J", -11), ("0001R", -19), ("0001I", 19), ("00123", 123)],
)
def test_overpunch_signs_stand_in_the_last_digit(text: str, value: int) -> None:
    frame, checks = read_records(lines(text), one("O", 5), [Number("x", 4)])
    assert frame["x"].to_list() == [Decimal(value)]
    assert not reasons(frame, checks)


@pytest.mark.parametrize("text", ["1,234.5", "1e5", "--1", ".", "-", "1.2.3", "0x1", "٣", "12 34", "NaN"])
def test_what_is_no_plain_number_is_named_and_never_guessed(text: str) -> None:
    frame, checks = read_records(lines(text), one("F", 20), [Number("x", 8)])
    assert frame["x"].to_list() == [None]
    assert reasons(frame, checks) == [(1, "unparsable_number")]


def test_a_sign_byte_that_is_no_sign_is_unparsable() -> None:
    frame, checks = read_records(lines("00012C"), one("N", 5, sign=6), [Number("x", 8)])
    assert reasons(frame, checks) == [(1, "unparsable_number")]


def test_a_sign_may_stand_before_its_number() -> None:
    frame, _ = read_records(lines("-00012", "+00012"), one("N", 5, decimals=1, sign=1, start=2), [Number("x", 8)])
    assert frame["x"].to_list() == [Decimal("-1.2"), Decimal("1.2")]


def test_twenty_digits_fit_and_twenty_one_do_not() -> None:
    frame, checks = read_records(
        lines("999999999999.99999999", "1000000000000", "-92233720368.54775808"), one("F", 30), [Number("x", 8)]
    )
    assert frame["x"].to_list() == [Decimal("999999999999.99999999"), None, Decimal("-92233720368.54775808")]
    assert reasons(frame, checks) == [(2, "number_out_of_range")]


FORMS = {
    "CCYYMMDD": "%Y%m%d", "YYMMDD": "%y%m%d", "MMDDYY": "%m%d%y", "MMDDCCYY": "%m%d%Y", "MM/DD/CCYY": "%m/%d/%Y",
    "CCYY-MM-DD": "%Y-%m-%d", "DDMMCCYY": "%d%m%Y",
}  # fmt: skip


@given(st.dates(date(1970, 1, 2), date(2069, 12, 31)), st.sampled_from(sorted(FORMS)))
@settings(deadline=None)
def test_every_day_comes_back_from_every_form(day: date, form: str) -> None:
    text = day.strftime(FORMS[form])
    frame, checks = read_records(lines(text), one("D", len(text), format=form), [Day("x")])
    assert frame["x"].to_list() == [day]
    assert not reasons(frame, checks)


def test_every_day_of_two_centuries_counts_right() -> None:
    days = [date(1900, 1, 1) + timedelta(days=n) for n in range(300 * 365 + 72)]
    frame, _ = read_records(
        lines(*(d.strftime("%Y%m%d").zfill(8) for d in days)), one("D", 8, format="CCYYMMDD"), [Day("x")]
    )
    assert frame["x"].to_list() == days


def test_the_century_digit_counts_from_1900() -> None:
    frame, _ = read_records(lines("1310704", "0991231"), one("D", 7, format="CYYMMDD"), [Day("x")])
    assert frame["x"].to_list() == [date(2031, 7, 4), date(1999, 12, 31)]


def test_two_digit_years_beyond_the_pivot_are_of_the_century_before() -> None:
    frame, _ = read_records(lines("691231", "700101"), one("D", 6, format="YYMMDD"), [Day("x")])
    assert frame["x"].to_list() == [date(2069, 12, 31), date(1970, 1, 1)]


@pytest.mark.parametrize("text", ["", "        ", "00000000", "99991231"])
def test_blank_zero_and_last_dates_mean_none(text: str) -> None:
    frame, checks = read_records(lines(text), one("D", 8, format="CCYYMMDD"), [Day("x")])
    assert frame["x"].to_list() == [None]
    assert not reasons(frame, checks)
    required, checks = read_records(lines(text), one("D", 8, format="CCYYMMDD"), [Day("x", required=True)])
    assert reasons(required, checks) == [(1, "missing_value")]


@pytest.mark.parametrize("text", ["20220229", "20221301", "20220100", "2022 101", "18991231", "2022011"])
def test_impossible_days_are_named(text: str) -> None:
    frame, checks = read_records(lines(text), one("D", 8, format="CCYYMMDD"), [Day("x")])
    assert reasons(frame, checks) == [(1, "impossible_date")]


def test_short_lines_count_as_padded_and_positions_count_characters() -> None:
    layout = FlatLayout((
        FlatField("name", 1, 1, 6), FlatField("amount", 2, 7, 10, "N", 2, sign=11), FlatField("tail", 3, 12, 20),
    ))  # fmt: skip
    frame, checks = read_records(
        lines("ABC   0125-END", "GALLÓ 0125-É", "ABC", "ÉÉÉÉÉÉ0200+€uro"),
        layout,
        [Text("name", 20), Number("amount", 4), Text("tail", 20)],
    )
    assert frame.select("line", "text", "name", "amount", "tail").rows() == [
        (1, "ABC   0125-END", "ABC", Decimal("-1.25"), "END"),
        (2, "GALLÓ 0125-É", "GALLÓ", Decimal("-1.25"), "É"),
        (3, "ABC", "ABC", None, None),
        (4, "ÉÉÉÉÉÉ0200+€uro", "ÉÉÉÉÉÉ", Decimal("2.00"), "€uro"),
    ]
    assert not reasons(frame, checks)


@given(st.lists(st.text(st.sampled_from("AÉ€ 0z"), max_size=70), min_size=1, max_size=12))
@settings(deadline=None)
def test_a_field_is_the_characters_between_its_positions_whatever_their_bytes(texts: list[str]) -> None:
    layout = FlatLayout((FlatField("short", 1, 2, 6), FlatField("long", 2, 5, 60)))
    frame, _ = read_records(lines(*texts), layout, [Text("short", 99), Text("long", 999)])
    assert frame["short"].to_list() == [text[1:6].strip(" ") or None for text in texts]
    assert frame["long"].to_list() == [text[4:60].strip(" ") or None for text in texts]


@given(st.lists(st.from_regex(r"[+-]?[0-9]{0,22}\.?[0-9]{0,10}", fullmatch=True), min_size=1, max_size=20))
@settings(deadline=None)
def test_digits_of_any_number_are_that_decimal_or_a_named_fault(texts: list[str]) -> None:
    layout = FlatLayout((FlatField("x", 1, 0, 0, "F"), FlatField("y", 2, 0, 0)))
    frame, checks = read_records(lines(*(f"{text},y" for text in texts)), layout, [Number("x", 8)], separator=",")
    held = dict(reasons(frame, checks))
    for row, text in enumerate(texts, 1):
        value = Decimal(text) if any(c.isdigit() for c in text) else None
        scaled = None if value is None else value.scaleb(8)
        fits = scaled is not None and scaled == int(scaled) and abs(int(scaled)) < 10**20
        assert frame["x"][row - 1] == (value if fits else None)
        fault = "unparsable_number" if text and value is None else "number_out_of_range" if text and not fits else None
        assert held.get(row) == fault


DELIMITED = FlatLayout(
    (FlatField("a", 1, 0, 0), FlatField("b", 2, 0, 0, "F"), FlatField("c", 3, 0, 0), FlatField("d", 4, 0, 0, version=2))
)


def test_embedded_delimiters_and_quotes_stay_inside_their_field() -> None:
    frame, checks = read_records(
        lines('"SMITH, ""J""",1.5,x', "plain,2,y,later", 'open,"3,z', "few,4", 'mid""quote,5,w', '"a"b,6,v'),
        DELIMITED,
        [Text("a", 30), Number("b", 4), Text("c", 5)],
        separator=",",
        quote='"',
    )
    good, _ = separated(frame, checks, TABLE)
    assert good.select("line", "a", "b", "c").rows() == [
        (1, 'SMITH, "J"', Decimal("1.5"), "x"), (2, "plain", Decimal(2), "y"), (5, 'mid""quote', Decimal(5), "w"),
    ]  # fmt: skip
    assert reasons(frame, checks) == [(3, "wrong_field_count"), (4, "wrong_field_count"), (6, "wrong_field_count")]


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0\x1f"), max_size=16), min_size=4, max_size=4
        ),
        min_size=1,
        max_size=12,
    )
)
@settings(deadline=None)
def test_csv_fields_are_those_of_an_independent_writer(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    texts = out.getvalue().split("\n")[:-1]
    frame, checks = read_records(lines(*texts), DELIMITED, [Text("a", 60), Text("c", 60)], separator=",", quote='"')
    assert not [r for r in reasons(frame, checks) if r[1] == "wrong_field_count"]
    assert frame.select("a", "c").rows() == [(row[0].strip(" ") or None, row[2].strip(" ") or None) for row in rows]


def test_a_text_beyond_its_bound_is_named() -> None:
    frame, checks = read_records(lines("ABCDEF"), one("X", 6), [Text("x", 5)])
    assert reasons(frame, checks) == [(1, "contract_violation")]


@given(st.lists(st.text(st.sampled_from("AÉ,0129 \r\x1a"), max_size=12), min_size=1, max_size=20), st.booleans())
@settings(deadline=None)
def test_lines_in_their_block_are_read_as_lines_in_a_frame(texts: list[str], is_delimited: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes("\n".join(["x,1,y", *texts]).encode("cp1252"))
        [block] = iterate_blocks(path)
        fixed = FlatLayout((FlatField("a", 1, 1, 2), FlatField("b", 2, 3, 5, "F", sign=6)))
        layout, separator = (DELIMITED, ",") if is_delimited else (fixed, None)
        wanted = [Text("a", 10), Number("b", 4)]
        placed, _ = read_records(cut_lines(block), layout, wanted, separator=separator)
        framed, _ = read_records(lines_of(block), layout, wanted, separator=separator)
        assert placed.drop("text").equals(framed.drop("text"))


def test_no_fields_wanted_leaves_the_lines_as_they_are() -> None:
    for text in ("abc", "é"):
        assert read_records(lines(text), one("X", 3), [])[0].to_dicts() == [{"line": 1, "text": text}]


def test_no_lines_give_no_records() -> None:
    for separator in (None, ","):
        frame, checks = read_records(lines(), DELIMITED, [Text("a", 5), Number("b", 4)], separator=separator)
        assert frame.height == 0
        assert not reasons(frame, checks)


def test_layouts_are_read_from_a_table_and_faulty_ones_refused(tmp_path: Path) -> None:
    path = tmp_path / "layouts.csv"
    head = "file,record,field_no,field,start,end,kind,decimals,format,sign,version,confidence\n"
    path.write_text(head + "G,A,1,q,74,91,N,5,,92,1,SAMPLE\nG,A,2,d,93,100,D,,CCYYMMDD,,2,DOC\n")
    layout = read_layouts(path)["G", "A"]
    assert (layout.length, layout.names, layout.counts) == (100, ("q", "d"), (1, 2))
    assert layout.field("q") == FlatField("q", 1, 74, 91, "N", 5, "", 92, 1)
    for bad in ("G,A,1,q,1,2,Z,,,,1,DOC\n", "G,A,1,q,1,2,X,,,,1,DOC\nG,A,2,q,3,4,X,,,,1,DOC\n"):
        path.write_text(head + bad)
        with pytest.raises(ValueError, match="q"):
            read_layouts(path)
