"""One account under two numbers: which key it gets in whatever order its files come, and what is never merged."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from contracts.tables.landing import ISSUED_KEY
from simulation.writers import schwab, schwab_lots
from tests.e2e_faults.provider import SHARED, Provider, provider_in
from warehouse.lake.keys import rebuild_issued_keys

TENANT, REP = "alder", "08123456"
MASTER = schwab.Master(REP, "ALDER WEALTH PARTNERS")
AT = datetime(2022, 12, 1, 9, 30, tzinfo=UTC)
DAY = date(2022, 9, 6)


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    made = provider_in(tmp_path, (SHARED,))
    made.configure(TENANT, {"schwab_main": ("schwab", (REP,)), "tda_veo": ("tda", (REP,))})
    return made


class Story:
    """Files that come one after another, each in a visit of its own unless told otherwise."""

    def __init__(self, provider: Provider) -> None:
        self.provider, self.hours = provider, 0

    def _put(self, connection: str, name: str, content: bytes) -> None:
        self.hours += 1
        self.provider.put(f"{TENANT}/{connection}/{name}", content, AT + timedelta(hours=self.hours))

    def tda(self, *numbers: str) -> None:
        """Cash of these accounts at TD Ameritrade."""
        rows = "".join(f"{number},C,,,{self.hours}.00,{self.hours}.00\r\n" for number in numbers)
        self._put("tda_veo", f"{REP} 2209{10 + self.hours}.POS", rows.encode())

    def schwab(self, *numbers: str) -> None:
        """Descriptions of these accounts at Schwab."""
        day = DAY + timedelta(days=self.hours)
        lines = [
            f"D1|SCHWAB  |{REP:>10}|{'':30}|{day:%Y%m%d}|{number:>10}|".ljust(1025) for number in numbers
        ]  # fmt: skip
        sample = Path(schwab.__file__).parents[2] / "connectors/custodians/schwab/samples/CRS20220105.ACC"
        whole = sample.read_bytes().decode("cp1252").splitlines()[1]
        lines = [line[:74] + whole[74:] for line in lines]
        self._put(
            "schwab_main", f"CRS{day:%Y%m%d}.ACC", schwab.document(MASTER, day, "ACC", [schwab.text_block(lines)])
        )

    def mxr(self, *moves: tuple[str, str]) -> None:
        """An account map: former number, number now."""
        day = DAY + timedelta(days=self.hours)
        content = schwab_lots.map_document(MASTER, day, [(REP, old, new) for old, new in moves])
        self._put("schwab_main", f"CRS{day:%Y%m%d}.MXR", content)

    def read(self) -> None:
        """Fetch and read what came."""
        self.provider.visit(TENANT)

    def keys(self) -> dict[str, int]:
        """Account number to key."""
        rows = self.provider.account_numbers(TENANT)
        return dict(rows.select("account_number", "account_key").iter_rows())

    def refused(self) -> list[str]:
        """Reasons of what was held back, one a line."""
        return self.provider.read("quality.reject", TENANT)["reason"].to_list()


@pytest.fixture
def story(provider: Provider) -> Story:
    return Story(provider)


def test_a_number_that_comes_later_gets_the_key_of_the_former_one(story: Story) -> None:
    story.tda("900000001", "900000002")
    story.read()
    story.mxr(("900000001", "50000001"))
    story.read()
    story.schwab("50000001", "50000009")
    story.read()
    keys = story.keys()
    assert keys["50000001"] == keys["900000001"]
    assert len(set(keys.values())) == 3
    assert story.refused() == []


def test_the_former_number_gets_the_key_of_the_new_one_where_that_came_first(story: Story) -> None:
    story.schwab("50000001")
    story.mxr(("900000001", "50000001"))
    story.read()
    story.tda("900000001")
    story.read()
    assert story.keys() == {"50000001": 1, "900000001": 1}


def test_both_in_one_night_are_one_account(story: Story) -> None:
    story.tda("900000001")
    story.schwab("50000001")
    story.mxr(("900000001", "50000001"))
    story.read()
    assert set(story.keys().values()) == {1}


def test_two_numbers_with_keys_of_their_own_are_never_merged_but_told(story: Story) -> None:
    story.tda("900000001")
    story.schwab("50000001")
    story.read()
    story.mxr(("900000001", "50000001"))
    story.read()
    keys = story.keys()
    assert keys["900000001"] != keys["50000001"]
    assert story.refused() == ["account_already_keyed"]
    assert story.provider.read("canonical.account_alias", TENANT).is_empty()


@pytest.mark.full
def test_a_swap_after_the_first_statement_moves_nothing(story: Story) -> None:
    story.tda("900000001", "900000002")
    story.mxr(("900000001", "50000001"), ("900000002", "50000002"))
    story.read()
    before = story.keys()
    story.mxr(("900000001", "50000002"), ("900000002", "50000001"))
    story.read()
    assert story.keys() == before
    assert story.refused() == ["account_already_keyed"] * 2


def test_a_swap_in_one_night_is_decided_by_what_came_first(story: Story) -> None:
    story.mxr(("900000001", "50000001"), ("900000002", "50000002"))
    story.mxr(("900000001", "50000002"), ("900000002", "50000001"))
    story.tda("900000001", "900000002")
    story.read()
    keys = story.keys()
    assert keys["900000001"] == keys["50000001"] != keys["50000002"] == keys["900000002"]
    assert story.refused() == ["account_already_keyed"] * 2


@pytest.mark.full
@pytest.mark.parametrize("second", [("900000001", "50000007"), ("900000007", "50000001")])
def test_an_account_neither_splits_nor_swallows_another(story: Story, second: tuple[str, str]) -> None:
    story.mxr(("900000001", "50000001"))
    story.read()
    story.mxr(second)
    story.read()
    story.tda("900000001", "900000007")
    story.read()
    keys = story.keys()
    assert story.refused() == ["account_already_keyed"]
    assert keys["900000001"] == keys["50000001"]
    assert all(key != keys["50000001"] for number, key in keys.items() if number.endswith("7"))


@pytest.mark.full
def test_a_map_that_is_told_again_changes_nothing(story: Story) -> None:
    story.tda("900000001")
    for _ in range(3):
        story.mxr(("900000001", "50000001"))
        story.read()
    assert set(story.keys().values()) == {1}
    assert story.refused() == []


@pytest.mark.full
def test_the_files_alone_give_shared_keys_again(story: Story) -> None:
    story.tda("900000001")
    story.read()
    story.mxr(("900000001", "50000001"))
    story.schwab("50000002")
    story.read()
    ws = story.provider.workspace
    before = ws.lake.read(ISSUED_KEY, TENANT).sort("issued_for")
    shutil.rmtree(story.provider.home / "lake" / TENANT / "landing" / "issued_key")
    assert rebuild_issued_keys(ws.lake, ws.raw, TENANT) == before.height
    assert ws.lake.read(ISSUED_KEY, TENANT).sort("issued_for").equals(before)
