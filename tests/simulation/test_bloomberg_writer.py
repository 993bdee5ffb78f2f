"""The simulated Bloomberg: its bytes keep the grammar of the published replies."""

from __future__ import annotations

from decimal import Decimal

import pytest

from simulation.market import Market
from simulation.vendor_data import dividends, figi
from simulation.writers import bloomberg


def replies(scene: Market, place: int) -> dict[str, list[str]]:
    return {kind: text.decode("ascii").split("\n") for _, kind, text in bloomberg.files(scene, scene.days[place])}


def rows(lines: list[str]) -> list[list[str]]:
    return [line.split("|") for line in lines[lines.index("START-OF-DATA") + 1 : lines.index("END-OF-DATA")]]


@pytest.mark.parametrize("kind", ["PRICES", "REFERENCE", "FX"])
def test_every_row_has_id_code_count_the_declared_values_and_a_closing_delimiter(scene: Market, kind: str) -> None:
    lines = replies(scene, 0)[kind]
    fields = lines[lines.index("START-OF-FIELDS") + 1 : lines.index("END-OF-FIELDS")]
    for row in rows(lines):
        assert row[1:3] == ["0", str(len(fields))]
        assert len(row) == 3 + len(fields) + 1
        assert row[-1] == ""
    assert lines[0] == "START-OF-FILE"
    assert lines[-2:] == ["END-OF-FILE", ""]


def test_london_is_quoted_in_pence(scene: Market) -> None:
    number = next(n for n, s in enumerate(scene.securities) if s.ticker == "ALBN")
    [row] = [row for row in rows(replies(scene, 0)["PRICES"]) if row[0] == "ALBN LN Equity"]
    assert row[5] == "GBp"
    assert Decimal(row[3]) == Decimal(int(scene.prices[0, number])) / 1000


def test_reference_data_come_with_the_first_business_day_of_a_month(scene: Market) -> None:
    days = [day for place, day in enumerate(scene.days) if "REFERENCE" in replies(scene, place)]
    assert [day.isoformat() for day in days] == ["2022-01-03", "2022-02-01", "2022-03-01", "2022-04-01"]


def test_an_event_states_how_many_pairs_follow(scene: Market) -> None:
    place = scene.place(dividends(scene)[0].told)
    for row in rows(replies(scene, place)["ACTIONS"]):
        assert len(row) == 18 + 2 * int(row[17]) + 1


def test_figis_have_their_check_digit() -> None:
    # ZZGWNX00000 with every second value doubled, then added digit by digit.
    values = [35, 70, 16, 64, 23, 66, 0, 0, 0, 0, 0]
    total = sum(int(digit) for value in values for digit in str(value))
    assert figi(0) == f"ZZGWNX00000{-total % 10}"
