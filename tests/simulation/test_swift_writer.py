"""The simulated custodian's SWIFT messages against what the standard says of their bytes."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

from simulation.firm import TenantPlan
from simulation.market import market
from simulation.scene import Scene
from simulation.world import SimulationConfig, World, simulate
from simulation.writers.swift import files
from simulation.writers.swift_text import cut, number, paged, plain

FIRST, LAST = date(2022, 1, 3), date(2022, 2, 28)
Files = dict[str, list[str]]


@pytest.fixture(scope="module")
def world() -> World:
    plans = {"alder": TenantPlan(accounts=7, master_account="08123456", styles=("swift",))}
    return simulate(SimulationConfig(5, plans, FIRST, LAST))


@pytest.fixture(scope="module")
def written(world: World) -> Files:
    scene = Scene(world.config.seed, world.market, world.firm, world.booked, world.reported)
    found: Files = {"MT535": [], "MT536": [], "MT940": []}
    for day in world.market.days:
        for name, kind, content in files(scene, "alder", scene.held_at("alder", "swift", day), day):
            assert name == f"{kind}_{day:%Y%m%d}.fin"
            found[kind].append(content.decode("ascii"))
    return found


MESSAGE = re.compile(
    r"\{1:F01[A-Z0-9]{12}\d{10}\}\{2:O\d{3}\d{10}[A-Z0-9]{12}\d{20}N\}\{4:\r\n.*?\r\n-\}\{5:\{CHK:[0-9A-F]{12}\}\}\r\n",
    re.DOTALL,
)


def messages(text: str) -> list[str]:
    found = MESSAGE.findall(text)
    assert "".join(found) == text
    return found


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ".").removesuffix("."))


def test_every_message_has_its_blocks_and_lines_of_character_set_x(written: Files) -> None:
    for texts in written.values():
        for message in messages("".join(texts)):
            body = message.split("{4:\r\n")[1].split("\r\n-}")[0]
            for line in body.split("\r\n"):
                assert re.fullmatch(r"[A-Za-z0-9/\-?:().,'+ ]{1,72}", line), line
            assert "\n" not in body.replace("\r\n", "")


def test_sequences_are_nested(written: Files) -> None:
    for message in messages("".join(written["MT535"] + written["MT536"])):
        open_blocks: list[str] = []
        for tag, name in re.findall(r"^:(16R|16S):([A-Z]+)\r$", message, re.M):
            if tag == "16R":
                open_blocks.append(name)
            else:
                assert open_blocks.pop() == name
        assert open_blocks == []


def test_pages_count_from_one_to_the_last(written: Files) -> None:
    for text in written["MT535"]:
        pages: dict[str, list[str]] = {}
        for message in messages(text):
            account = re.search(r":97A::SAFE//(\d+)\r", message)
            page = re.search(r":28E:(.*)\r", message)
            assert account
            assert page
            pages.setdefault(account[1], []).append(page[1])
        for found in pages.values():
            expected = [f"{place}/MORE" for place in range(1, len(found))] + [f"{len(found)}/LAST"]
            assert found == (["1/ONLY"] if len(found) == 1 else expected)
    assert any(":28E:2/LAST" in text for text in written["MT535"])


def test_a_statement_without_holdings_or_movements_says_so(written: Files) -> None:
    for message in messages("".join(written["MT535"] + written["MT536"])):
        assert (":17B::ACTI//N" in message) == (":16R:FIN" not in message)


def test_references_are_no_longer_than_the_standard_allows(written: Files) -> None:
    for text in written["MT536"] + written["MT535"]:
        assert all(len(found) <= 16 for found in re.findall(r":20C::[A-Z]{4}//(.*)\r", text))
    for line in re.findall(r":61:(.*)\r", "".join(written["MT940"])):
        own, bank = re.sub(r"^\d{10}R?[CD][A-Z]?[\d,]+N[A-Z]{3}", "", line).split("//")
        assert len(own) <= 16
        assert len(bank) <= 16


def test_opening_and_entries_make_the_closing_balance_and_the_next_opening(written: Files) -> None:
    closed: dict[str, tuple[str, Decimal]] = {}
    pages = 0
    for message in messages("".join(written["MT940"])):
        account = re.search(r":25:(.*)\r", message)
        opening = re.search(r":60([FM]):([CD])\d{6}[A-Z]{3}([\d,]+)\r", message)
        closing = re.search(r":62([FM]):([CD])\d{6}[A-Z]{3}([\d,]+)\r", message)
        assert account
        assert opening
        assert closing
        moved = sum(
            (amount(value) if mark in ("C", "RD") else -amount(value))
            for mark, value in re.findall(r":61:\d{10}(R?[CD])[A-Z]?([\d,]+)N", message)
        )
        first = amount(opening[3]) * (1 if opening[2] == "C" else -1)
        last = amount(closing[3]) * (1 if closing[2] == "C" else -1)
        assert first + moved == last
        if account[1] in closed:
            assert closed[account[1]] == ("M" if opening[1] == "M" else "F", first)
        closed[account[1]] = closing[1], last
        pages += closing[1] == "M"


def test_narratives_are_cut_at_65_and_their_subfields_at_27(written: Files) -> None:
    for block in re.findall(r":86:(.*?)\r\n(?=:6[124])", "".join(written["MT940"]), re.S):
        lines = block.split("\r\n")
        assert all(len(line) == 65 - (4 if place == 0 else 0) for place, line in enumerate(lines[:-1]))
        subfields = re.split(r"\?2\d", "".join(lines))[1:]
        assert all(len(part) == 27 for part in subfields[:-1])
        assert len(subfields[-1]) <= 27


def test_numbers_have_a_comma_and_no_trailing_zeros() -> None:
    assert [number(value, 10_000) for value in (0, 10_000, 15_000, 1, -25_000)] == ["0,", "1,", "1,5", "0,0001", "2,5"]
    assert number(100_000, 100_000) == "1,"


def test_text_is_folded_into_character_set_x() -> None:
    assert plain("RENÉE & CO 4%") == "RENEE . CO 4."
    assert cut("abcdefg", 3) == ["abc", "def", "g"]
    assert [page for page, _ in paged([["a"]] * 5, 2)] == ["1/MORE", "2/MORE", "3/LAST"]
    assert paged([], 2) == [("1/ONLY", [])]


def test_the_bytes_follow_from_the_seed_alone(world: World) -> None:
    scene = Scene(world.config.seed, market(5, FIRST, LAST), world.firm, world.booked, world.reported)
    day = world.market.days[9]
    accounts = scene.held_at("alder", "swift", day)
    assert list(files(scene, "alder", accounts, day)) == list(files(scene, "alder", accounts, day))
