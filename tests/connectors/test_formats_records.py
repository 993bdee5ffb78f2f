"""Lines as fields: by position with separators as a cross-check, and by place."""

from __future__ import annotations

import polars as pl
import pytest

from connectors.formats import delimited, fixed_width
from connectors.formats.layouts import Column, Layout, by_order
from connectors.formats.rejects import Check, separated

# aa|bbbb|ccc|dd, of which the last field came with the second version
LAYOUT = Layout((Column("a", 1, 2, 1), Column("b", 4, 7, 1), Column("c", 9, 11, 1), Column("d", 13, 14, 2)))


def lines(*texts: str) -> pl.DataFrame:
    return pl.DataFrame({"line": range(1, len(texts) + 1), "text": texts}, schema={"line": pl.Int64, "text": pl.String})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("D1|word| 12|xy", ("D1", "word", "12", "xy")),
        ("D1|word| 12|xy|", ("D1", "word", "12", "xy")),
        ("D1|wo d| 12|xy|more of a later layout|", ("D1", "wo d", "12", "xy")),
        ("D1|a|b | 12|xy", ("D1", "a|b", "12", "xy")),
        ("D1|    |   |  ", ("D1", None, None, None)),
        ("D1|word| 12", ("D1", "word", "12", None)),
        ("D1|word| 12|", ("D1", "word", "12", None)),
        ("D1|word|1", ("D1", "word", "1", None)),
        ("D1|wörd| 12|xy", ("D1", "wörd", "12", "xy")),
    ],
)
def test_fields_are_cut_by_position(text: str, expected: tuple[str | None, ...]) -> None:
    cut = fixed_width.cut(lines(text), LAYOUT, ["a", "b", "c", "d"])
    assert cut.records.select("a", "b", "c", "d").rows() == [expected]
    assert not cut.misfits.height


@pytest.mark.parametrize("text", ["D1|words| 1|xy", "D1 word  12 xy", "D1|wor", "D1", "", "D1|word|| 12|xy"])
def test_a_line_without_the_separators_in_their_places_is_a_misfit(text: str) -> None:
    cut = fixed_width.cut(lines("D1|word| 12|xy", text), LAYOUT, ["b"])
    assert cut.records["line"].to_list() == [1]
    assert cut.misfits.rows() == [(2, text)]


@pytest.mark.parametrize("text", ["a|b|c", "a|b|c|", "a|b|c|d", "a|b|c|d|", "a||c|", "|||"])
def test_by_place_a_line_ends_where_a_version_ends(text: str) -> None:
    cut = delimited.cut(lines(text), LAYOUT, ["c", "d"])
    parts = [part or None for part in (*text.split("|"), "", "", "")]
    assert cut.records.select("c", "d").rows() == [(parts[2], parts[3])]


@pytest.mark.parametrize("text", ["a", "a|b", "a|b|c|d|e", "a|b|c|d|e|", ""])
def test_by_place_another_number_of_fields_is_a_misfit(text: str) -> None:
    cut = delimited.cut(lines(text), LAYOUT, ["c"])
    assert not cut.records.height
    assert cut.misfits["text"].to_list() == [text]


def test_positions_learnt_from_a_padded_file_rescue_a_stray_separator_and_later_fields() -> None:
    padded = ["D1|word| 12|xy|", "D1|wo  |123|xy|", "D1|w   |  1|  |", "D1|a|b | 12|xy|", "D1|word| 12|xy|new|"]
    shape = delimited.learnt_shape(lines(*padded[:3], padded[3])["text"], LAYOUT)
    assert shape == delimited.Shape((2, 7, 11), True)
    cut = delimited.cut(lines(*padded), LAYOUT, ["b", "c", "d"], shape=shape)
    assert cut.records.select("b", "c", "d").rows() == [
        ("word", "12", "xy"), ("wo", "123", "xy"), ("w", "1", None), ("a|b", "12", "xy"), ("word", "12", "xy"),
    ]  # fmt: skip


def test_an_unpadded_file_teaches_no_positions() -> None:
    texts = lines("a|bb|c|d", "aa|b|c|d", "aa|b|c|d", "a|b|ccc|d", "a|bb|c|dd", "aaa|b|c|")["text"]
    assert delimited.learnt_shape(texts, LAYOUT) == delimited.Shape((), False)


def test_in_a_file_without_closing_separators_a_stray_one_is_not_taken_for_one() -> None:
    texts = ("a|bb|c|", "aa|b|c|", "a|b|ccc|", "a|b|b|c|")
    shape = delimited.learnt_shape(lines(*texts)["text"], LAYOUT)
    assert delimited.cut(lines(*texts), LAYOUT, ["c"], shape=shape).misfits["line"].to_list() == [4]


def test_a_closing_separator_counts_as_a_field_where_the_file_has_none() -> None:
    layout = by_order(["x", "y"])
    cut = delimited.cut(
        lines("1,2", "1,2,", "1"), layout, ["x", "y"], separator=",", shape=delimited.Shape(is_closed=False)
    )
    assert cut.records.select("x", "y").rows() == [("1", "2")]
    assert cut.misfits["line"].to_list() == [2, 3]


def test_rejects_of_frames_put_together_from_parts_are_told_whatever_parts_a_filter_emptied() -> None:
    parts = [pl.DataFrame({"line": [n] * 2, "text": ["t"] * 2, "code": [code] * 2}) for n, code in enumerate("AZ", 1)]
    read = pl.concat(parts, rechunk=False)
    detail = pl.format("code {} is not known.", pl.col("code").str.slice(0, 12))
    _, held = separated(read, [Check("code", "unknown_code", pl.col("code") == "Z", detail)], "canonical.price")
    assert held["detail"].to_list() == ["code Z is not known."] * 2
