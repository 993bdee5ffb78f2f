"""Each fault changes what it says, and nothing else."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from simulation import broken_files as broken
from simulation.delivery import Delivery
from simulation.faults import Backdated, Cancel, CancelRebill, DuplicateDelivery, FaultError, FileFault, LateFile
from simulation.firm import Account
from simulation.world import World

Build = Callable[..., World]
DAY = date(2022, 1, 12)
RPS = ("alder", "schwab_main", "RPS", DAY)
NAME = "CRS20220112.RPS"
_LAST = date(2022, 1, 20)


@pytest.fixture(scope="module")
def calm(build: Build) -> World:
    return build(last_date=_LAST)


def _with(calm: World, *faults: FileFault) -> World:
    """The same world with faults of its files; what was booked does not depend on them."""
    return replace(calm, config=replace(calm.config, faults=faults))


def _delivered(world: World) -> list[Delivery]:
    return [delivery for night in world.market.days for delivery in world.deliveries(night)]


def _struck(calm: World, fault: FileFault) -> tuple[Delivery, list[Delivery]]:
    """The undisturbed file, and what is delivered in its place; everything else must be as it was."""
    sound = _delivered(calm)
    found = _delivered(_with(calm, fault))
    (original,) = [d for d in sound if fault.strikes(d)]
    made = [d for d in found if d.fault is not None or d == original]
    assert [d for d in found if d not in made] == [d for d in sound if d != original]
    assert {d.fault for d in made} <= {None, fault.slug}
    assert fault.truth
    return original, made


def _lines(delivery: Delivery) -> list[str]:
    return delivery.content.decode("cp1252").split("\r\n")


def test_a_duplicate_has_the_same_bytes_under_another_name(calm: World) -> None:
    original, made = _struck(calm, DuplicateDelivery(*RPS))
    assert [d.name for d in made] == [NAME, f"resent/{NAME}"]
    assert made[0] == original
    assert made[1].content == original.content
    assert made[1].arrived_at - original.arrived_at == timedelta(minutes=20)
    assert made[1].night == DAY


def test_a_late_file_is_the_same_file_later(calm: World) -> None:
    original, (late,) = _struck(calm, LateFile(*RPS, business_days=3))
    assert (late.path, late.content) == (original.path, original.content)
    assert late.night == date(2022, 1, 18)  # 17 January is a holiday
    assert late.arrived_at - original.arrived_at == timedelta(days=6)


def test_a_correction_replaces_one_wrong_number_under_the_same_name(calm: World) -> None:
    original, (wrong, right) = _struck(calm, broken.Correction(*RPS))
    assert wrong.path == right.path == original.path
    assert right.content == original.content
    assert right.night > wrong.night == DAY
    assert right.arrived_at > wrong.arrived_at
    assert sum(a != b for a, b in zip(_lines(wrong), _lines(original), strict=True)) == 1


@pytest.mark.parametrize(
    ("fault", "content"),
    [
        (broken.TruncatedFile, lambda sound: sound[: len(sound) * 3 // 5]),
        (broken.EmptyFile, lambda sound: b""),
        (broken.WrongEncoding, lambda sound: sound.decode("cp1252").encode("utf-16")),
    ],
)
def test_a_spoilt_file_replaces_the_sound_one_until_it_is_resent(
    calm: World, fault: type[broken.WholeFileFault], content: Callable[[bytes], bytes]
) -> None:
    original, (spoilt,) = _struck(calm, fault(*RPS))
    assert spoilt.content == content(original.content)
    assert (spoilt.path, spoilt.arrived_at) == (original.path, original.arrived_at)
    _, (again, resent) = _struck(calm, fault(*RPS, resent_after=1))
    assert again == spoilt
    assert (resent.content, resent.night) == (original.content, date(2022, 1, 13))


def test_a_truncated_file_has_no_trailer(calm: World) -> None:
    _, (spoilt,) = _struck(calm, broken.TruncatedFile(*RPS))
    assert not _lines(spoilt)[-1].startswith("TR|")


def test_rubbish_is_no_text(calm: World) -> None:
    original, (spoilt,) = _struck(calm, broken.BinaryRubbish(*RPS))
    assert spoilt.content[:1] == b"\x00"
    assert 0 < len(spoilt.content) <= len(original.content)


def test_a_wrong_trailer_counts_one_record_too_many(calm: World) -> None:
    original, (spoilt,) = _struck(calm, broken.WrongTrailerCount(*RPS))
    assert _lines(spoilt)[:-2] == _lines(original)[:-2]
    assert _count(spoilt) == _count(original) + 1
    vendor = broken.WrongTrailerCount("_shared", "closing_prices", "PRICES", DAY)
    original, (spoilt,) = _struck(calm, vendor)
    assert spoilt.content.split(b"\n")[:-2] == original.content.split(b"\n")[:-2]
    assert spoilt.content != original.content


def _count(delivery: Delivery) -> int:
    return int(_lines(delivery)[-2].split("|")[4])


@pytest.mark.parametrize(
    ("fault", "field", "text"),
    [
        (broken.UnknownSecurity, 12, "888995ZZ3"),
        (broken.UnknownRecordType, 0, "D9"),
        (broken.ImpossibleDate, 35, "20220231"),
        (broken.UnparsableNumber, 36, "12O.5OOOO"),
        (broken.ForeignAccount, 2, "08765432"),
    ],
)
def test_a_bad_record_is_added_and_counted(calm: World, fault: type[broken.AddedRecord], field: int, text: str) -> None:
    original, (spoilt,) = _struck(calm, fault(*RPS))
    added = _lines(spoilt)[-3]
    assert _lines(spoilt)[:-3] == _lines(original)[:-2]
    assert added.split("|")[field].strip() == text
    assert len(added) == len(_lines(original)[1])
    assert _count(spoilt) == _count(original) + 1


def test_a_bomb_and_a_traversal_come_beside_the_sound_file(calm: World) -> None:
    bomb = broken.ZipBomb(*RPS, expanded_mib=4)
    original, (sound, packed) = _struck(calm, bomb)
    assert sound == original
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.infolist()[0].file_size > 500 * len(packed.content)
    original, (sound, escaping) = _struck(calm, broken.PathTraversal(*RPS))
    assert sound == original
    assert escaping.name == f"extra/{NAME}.zip"
    with zipfile.ZipFile(io.BytesIO(escaping.content)) as archive:
        assert archive.infolist()[0].orig_filename == f"../../../{NAME}"


def test_faults_compose_in_their_order(calm: World) -> None:
    both = _with(calm, broken.EmptyFile("birch", "schwab_main", "ACC", DAY), LateFile(*RPS))
    struck = {d.path: d.fault for d in _delivered(both) if d.fault}
    assert struck == {
        "birch/schwab_main/CRS20220112.ACC": "empty_file", f"alder/schwab_main/{NAME}": "late_file",
    }  # fmt: skip


def test_file_faults_leave_the_truth_alone(build: Build, calm: World) -> None:
    struck = build(broken.EmptyFile(*RPS), LateFile("birch", "schwab_main", "TRN", DAY), last_date=_LAST)
    assert np.array_equal(struck.held.quantities, calm.held.quantities)
    assert struck.valuations == calm.valuations


def test_a_fault_that_cannot_strike_says_so(build: Build, calm: World) -> None:
    with pytest.raises(FaultError, match="no number 9999"):
        build(Cancel("alder", ordinal=9999))
    spoilt = _with(calm, broken.ImpossibleDate("alder", "schwab_main", "ACC", DAY))
    with pytest.raises(FaultError, match="kind ACC"):
        spoilt.deliveries(DAY)
    for fault in (broken.WrongEncoding, broken.WrongTrailerCount):
        with pytest.raises(FaultError, match=r"no text|no trailer"):
            _with(calm, fault("_shared", "ecb", "DAILY", DAY)).deliveries(DAY)


# --- bookings put right later -----------------------------------------------------------------------------------------


def _cash(world: World, account: Account) -> list[int]:
    return [int(cash) for cash in world.held.cash[world.firm.accounts.index(account)]]


def test_a_cancelled_buy_never_counts_but_the_custodian_held_it(build: Build, world: World) -> None:
    struck = build(Cancel("alder", business_days=2))
    (buy,) = [t for t in struck.booked.transactions if t.cancelled_date is not None]
    assert buy.security is not None
    place = struck.firm.accounts.index(buy.account)
    day, undone = struck.market.place(buy.trade_date), struck.market.place(buy.cancelled_date or buy.trade_date)
    assert undone == day + 2
    before = world.held.quantities[place, :, buy.security]
    after = struck.held.quantities[place, :, buy.security]
    assert (before - after).tolist() == [0] * day + [buy.quantity] * (len(before) - day)
    held = struck.reported.quantities[place, :, buy.security]
    assert (held - after).tolist() == [0] * day + [buy.quantity] * 2 + [0] * (len(before) - day - 2)
    settled = struck.reported.settled_cash[place] - struck.held.settled_cash[place]
    assert not settled[undone:].any()


def test_the_cancel_row_stands_in_the_file_of_its_day(build: Build) -> None:
    struck = build(Cancel("alder", business_days=2))
    (buy,) = [t for t in struck.booked.transactions if t.cancelled_date is not None]
    assert buy.cancelled_date is not None
    rows = {
        day: [line for line in _trn(struck, day) if line[63:73].strip() == buy.account.account_number]
        for day in (buy.trade_date, buy.cancelled_date)
    }
    cancels = [line for line in rows[buy.cancelled_date] if line[667] == "Y"]
    assert len(cancels) == 1
    same = (slice(63, 667), slice(668, 1879))
    assert any(all(line[part] == cancels[0][part] for part in same) for line in rows[buy.trade_date])


def _trn(world: World, day: date) -> list[str]:
    (found,) = [d for d in world.deliveries(day) if d.path == f"alder/schwab_main/CRS{day:%Y%m%d}.TRN"]
    return _lines(found)[1:-2]


def test_a_rebill_counts_from_the_original_day_at_its_new_cost(build: Build, world: World) -> None:
    struck = build(CancelRebill("alder"))
    (buy,) = [t for t in struck.booked.transactions if t.cancelled_date is not None]
    rebill = struck.booked.transactions[-1]
    assert (rebill.trade_date, rebill.quantity, rebill.reported_date) == (
        buy.trade_date, buy.quantity, buy.cancelled_date,
    )  # fmt: skip
    assert rebill.amount - buy.amount == buy.commission - rebill.commission != 0
    assert np.array_equal(struck.held.quantities, world.held.quantities)
    difference = [a - b for a, b in zip(_cash(struck, buy.account), _cash(world, buy.account), strict=True)]
    assert set(difference) == {0, rebill.amount - buy.amount}


def test_a_backdated_buy_counts_from_its_trade_date_and_is_reported_later(build: Build, world: World) -> None:
    struck = build(Backdated("alder", business_days=4))
    (late,) = [t for t in struck.booked.transactions if t.reported_date > t.trade_date]
    assert np.array_equal(struck.held.quantities, world.held.quantities)
    place, day = struck.firm.accounts.index(late.account), struck.market.place(late.trade_date)
    missing = struck.held.quantities[place, :, late.security] - struck.reported.quantities[place, :, late.security]
    assert missing.tolist() == [0] * day + [late.quantity] * 4 + [0] * (len(missing) - day - 4)
