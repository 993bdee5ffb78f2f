"""What custodians put right later: the figures end at the truth, and a look back shows what was shown then.

The month is taken in by three runs, between which the faults are repaired:

1. to 10 November: a buy of the 9th is in, its cancel is not; a buy of the 10th is not reported yet;
2. to 25 November: that day's bookings of one firm are late, that day's holdings of the other one are wrong;
3. to the end: everything is put right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from contracts.table import Table
from contracts.tables.accounting import ACCOUNT_VALUATION, LEDGER_ENTRY, POSITION
from contracts.tables.quality import FEED_READINESS, POSITION_BREAK
from simulation.broken_files import Correction
from simulation.faults import Backdated, Cancel, CancelRebill, LateFile
from simulation.world import World
from tests.e2e import truth
from tests.e2e.figures import figures
from tests.e2e.house import TENANTS, House, Houses, small_world

pytestmark = pytest.mark.xdist_group("e2e")

EARLY, LATE = date(2022, 11, 10), date(2022, 11, 25)
NIGHTLY_OF_EARLY = datetime(2022, 11, 11, 6, 30, tzinfo=ZoneInfo("America/New_York"))
NIGHTLY_OF_LATE = datetime(2022, 11, 28, 6, 30, tzinfo=ZoneInfo("America/New_York"))
COMPUTED = (LEDGER_ENTRY, POSITION, ACCOUNT_VALUATION, POSITION_BREAK, FEED_READINESS)

Shown = Mapping[tuple[str, str], pl.DataFrame]


@dataclass(frozen=True)
class Story:
    """A house at the end, and what it said on the way.

    Attributes:
        then: what the lake held current after each of the first two runs, by tenant and table.
        published: values, breaks and readiness as published after the second run.
    """

    house: House
    world: World
    then: tuple[Shown, Shown]
    published: Mapping[str, pl.DataFrame]


@pytest.fixture(scope="module")
def story(houses: Houses) -> Story:
    world = small_world(
        Cancel("alder", ordinal=0),
        CancelRebill("alder", ordinal=0),
        Backdated("alder", ordinal=1),
        LateFile("birch", "schwab_main", "TRN", LATE, business_days=1),
        Correction("alder", "schwab_main", "RPS", LATE, business_days=1),
    )
    days = world.market.days
    house = houses.build()
    house.deliver(world, [d for d in days if d <= EARLY])
    house.night(days[0], EARLY)
    first = current(house)
    house.deliver(world, [d for d in days if EARLY < d <= LATE])
    house.night(days[days.index(EARLY) + 1], LATE)
    house.marts()
    second = current(house)
    published = {name: figures(house, name) for name in ("values", "breaks", "readiness", "positions")}
    house.deliver(world, [d for d in days if d > LATE])
    house.night(days[days.index(LATE) + 1], days[-1])
    house.marts()
    return Story(house, world, (first, second), published)


def current(house: House, as_known_at: datetime | None = None) -> Shown:
    """The current rows of every computed table, but for those that say that nothing is there."""
    lake = house.workspace.lake
    return {
        (tenant, table.full_name): _told(table, lake.current(table, tenant, as_known_at=as_known_at))
        for tenant in TENANTS
        for table in COMPUTED
    }


def _told(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    if table is POSITION:
        rows = rows.filter(pl.col("quantity") != 0)
    if table is POSITION_BREAK:
        rows = rows.filter(pl.col("break_cause").is_not_null())
    return rows.sort([c for c in table.key if c not in ("known_from", "methodology_version")])


def test_the_faults_strike_where_this_story_says(story: Story) -> None:
    booked = {t.reported_date: t for t in story.world.booked.transactions if t.reported_date != t.trade_date}
    cancelled = [t for t in story.world.booked.transactions if t.cancelled_date]
    assert [t.trade_date <= EARLY < t.cancelled_date <= LATE for t in cancelled if t.cancelled_date] == [True, False]
    assert any(t.trade_date <= EARLY < t.reported_date for t in booked.values())


def test_once_all_files_are_in_positions_and_values_are_the_true_ones(story: Story) -> None:
    positions, values = truth.positions(story.world), truth.values(story.world)
    shown = figures(story.house, "positions").select(positions.columns)
    assert_frame_equal(shown.cast(dict(positions.schema)), positions)
    money = values.drop("daily_return", "linked_return")
    shown = figures(story.house, "values").select(money.columns).sort(money.columns)
    assert_frame_equal(shown.cast(dict(money.schema)), money.sort(money.columns))
    linked = figures(story.house, "values").sort("tenant_slug", "custodian", "account_number", "as_of_date")
    true = values.sort("tenant_slug", "custodian", "account_number", "as_of_date")
    for name in ("daily_return", "linked_return"):
        assert (linked[name].cast(pl.Float64) - true[name].cast(pl.Float64)).abs().max() < 1e-8  # type: ignore[operator]


def test_breaks_stand_on_exactly_the_days_on_which_custodian_and_truth_differ(story: Story) -> None:
    expected = truth.breaks(story.world)
    assert expected.height >= 8
    shown = figures(story.house, "breaks").with_columns(
        ((pl.col("quantity").fill_null(0) - pl.col("custodian_quantity").fill_null(0)) * 10**8).cast(pl.Int64)
        .alias("difference")
    )  # fmt: skip
    shown = shown.select(expected.columns).sort("tenant_slug", "custodian", "account_number", "security", "as_of_date")
    assert_frame_equal(shown, expected)


def test_figures_of_a_day_whose_file_is_late_are_provisional_and_then_restated(story: Story) -> None:
    of_day = (pl.col("tenant_slug") == "birch") & (pl.col("as_of_date") == LATE)
    before, after = story.published["values"].filter(of_day), figures(story.house, "values").filter(of_day)
    true = truth.values(story.world).filter(of_day)
    assert before["readiness"].unique().to_list() == ["provisional"]
    assert before["readiness_reasons"].str.contains("file_missing").all()
    assert before["daily_return"].cast(pl.Float64).to_list() != true["daily_return"].cast(pl.Float64).to_list()
    assert after["readiness"].unique().to_list() == ["complete"]
    feed = (pl.col("data_type") == "TRN") & of_day
    assert story.published["readiness"].filter(feed)["readiness"].to_list() == ["blocked"]
    assert figures(story.house, "readiness").filter(feed)["readiness"].to_list() == ["complete"]


def test_a_wrong_snapshot_is_a_break_until_its_correction_arrives(story: Story) -> None:
    of_day = (pl.col("tenant_slug") == "alder") & (pl.col("as_of_date") == LATE)
    assert story.published["breaks"].filter(of_day).height == 1
    assert figures(story.house, "breaks").filter(of_day).is_empty()


def test_the_restated_days_are_published_again_and_no_others(story: Story) -> None:
    counts = story.house.rows(
        """
        SELECT t.slug, p.as_of_date, count(*) AS publications
        FROM ops.publication p JOIN core.tenants t USING (tenant_key) GROUP BY 1, 2 ORDER BY 2, 1
        """
    )
    again = counts.filter(pl.col("publications") > 1)
    schwab = again.filter(pl.col("slug") == "birch")
    assert schwab["as_of_date"].to_list() == [LATE]
    assert LATE in again.filter(pl.col("slug") == "alder")["as_of_date"].to_list()
    assert counts.height == len(story.world.market.days) * len(TENANTS)


@pytest.mark.parametrize("run", [0, 1], ids=["first", "second"])
@pytest.mark.parametrize("table", COMPUTED, ids=lambda table: table.full_name)
def test_a_look_back_shows_what_was_shown_then(story: Story, run: int, table: Table) -> None:
    day, instant = ((EARLY, NIGHTLY_OF_EARLY), (LATE, NIGHTLY_OF_LATE))[run]
    seen = current(story.house, as_known_at=instant)
    for tenant in TENANTS:
        key = (tenant, table.full_name)
        assert not story.then[run][key].is_empty() or table is POSITION_BREAK
        # Cash that nothing moves is known from its last movement on, also on days that had not come then.
        come = seen[key].filter(pl.col(table.date_column or "") <= day)
        assert_frame_equal(come, story.then[run][key])


def test_the_first_look_back_still_holds_the_buy_that_was_cancelled_later(story: Story) -> None:
    key = ("alder", POSITION.full_name)
    held = ["account_key", "security_key", "as_of_date", "quantity"]
    then, now = story.then[0][key].select(held), current(story.house)[key].select(held)
    assert then.join(now, on=held, how="anti").height >= 4  # the holding and the cash, on the 9th and the 10th
