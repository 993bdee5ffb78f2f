"""Whatever the bytes are, messages are read under the count law or refused by name."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.adapter import ParsedFile
from connectors.errors import FeedFault
from contracts.vocabularies import FILE_REASONS
from tests.connectors.swift_fixture import (
    APPLE,
    FOLDER,
    SAMPLES,
    cash,
    holding,
    holdings,
    movement,
    movements,
    parse,
    reasons,
    rows,
)

QUICK = settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
CONTENTS = [(FOLDER / "samples" / name).read_bytes() for name in SAMPLES]
SNIPPETS = [
    b"-}", b"{1:", b"{4:", b"{4:\n", b"{2:O535", b"\n:16R:FIN\n", b"\n:16S:FIN\n", b"\n:16R:TRAN\n", b"\n:16R:GENL\n",
    b"\n:61:", b"\n:62F:", b"\n:60M:", b"\n-\n", b":", b",", b"N", b"//", b"\r", b"\n", b"\xff", b"\x81", b"9" * 30,
    b"20220230", b"\n:93B::AGGR//UNIT/1,", b"\n:19A::HOLD//USD1,", b"\n:19A::HOLP//USD9999999999999999,", b"$\n",
    b"\n:28E:1/MORE", b"\n:98A::STAT//20220106", b"\n:97A::SAFE//Z",
]  # fmt: skip


def outcome(folder: Path, content: bytes, name: str = "swift_20220105.fin") -> ParsedFile | None:
    refusal: FeedFault | None = None
    try:
        return parse(folder, content, name)
    except FeedFault as fault:
        refusal = fault
    assert refusal.reason in FILE_REASONS
    assert refusal.detail
    assert refusal.line >= 0
    assert refusal.record_count >= 0
    return None


def mutated(content: bytes, draw: random.Random) -> bytes:
    text = bytearray(content)
    for _ in range(draw.randint(1, 6)):
        at = draw.randint(0, len(text))
        piece = draw.choice(SNIPPETS) if draw.random() < 0.6 else draw.randbytes(draw.randint(1, 4))
        match draw.randint(0, 5):
            case 0:
                text[at : at + len(piece)] = piece
            case 1:
                text[at:at] = piece
            case 2:
                del text[at : at + draw.randint(1, 60)]
            case 3 if draw.random() < 0.3:
                del text[at:]
            case 4:
                text[at:at] = text[at : at + draw.randint(1, 600)]
            case _:
                other = draw.choice(CONTENTS)
                start = draw.randint(0, len(other))
                text[at:at] = other[start : start + draw.randint(1, 400)]
    return bytes(text)


@given(content=st.binary(max_size=300))
@example(content=b"{4:")
@example(content=b":")
@example(content=b"{1:{4::16R:GENL-}")
@example(content=b":16R:FIN\n:16S:FIN\n")
@QUICK
def test_random_bytes_are_refused_by_name_or_quarantined(tmp_path: Path, content: bytes) -> None:
    for text in (content, b"{1:F01X}{2:O5350000}{4:\n" + content + b"\n-}", b":20:X\n" + content):
        result = outcome(tmp_path, text)
        assert result is None or result.record_count == result.quarantined_count


@pytest.mark.parametrize("place", range(len(SAMPLES)), ids=SAMPLES)
@given(draw=st.randoms(use_true_random=False))
@QUICK
def test_mutated_messages_keep_the_count_law_or_are_refused(tmp_path: Path, place: int, draw: random.Random) -> None:
    outcome(tmp_path, mutated(CONTENTS[place], draw), SAMPLES[place])


@pytest.mark.full
@pytest.mark.timeout(0)
def test_mutated_messages_for_a_while(tmp_path: Path) -> None:
    seconds = float(os.environ.get("FUZZ_SECONDS", "60"))
    draw = random.SystemRandom()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        content = mutated(draw.choice(CONTENTS), draw)
        while draw.random() < 0.3:
            content += mutated(draw.choice(CONTENTS), draw)
        try:
            outcome(tmp_path, content)
        except Exception:
            (tmp_path / "culprit.fin").write_bytes(content)
            raise


BAD = {
    "good": movement(),
    "units": movement(changes={"36B::PSTA": "UNIT/x"}),
    "day": movement(changes={"98A::ESET": "20229904"}),
    "code": movement(changes={"22F::TRAN": "QQQQ"}),
}


@given(kinds=st.lists(st.sampled_from(list(BAD)), min_size=1, max_size=8))
@QUICK
def test_every_movement_is_a_row_or_in_quarantine(tmp_path: Path, kinds: list[str]) -> None:
    result = parse(tmp_path, movements(*(BAD[kind] for kind in kinds)))
    assert result.record_count == len(kinds)
    assert result.quarantined_count == sum(kind != "good" for kind in kinds)
    assert len(rows(result)) == kinds.count("good")


BROKEN = {
    "good": "",  # nothing taken away
    "sequence": ":16S:GENL\n",
    "head": ":97A::SAFE//",
    "end": "-}",
}


@given(kinds=st.lists(st.sampled_from(list(BROKEN)), min_size=1, max_size=6))
@QUICK
def test_a_bad_message_takes_all_of_its_records_and_none_of_its_neighbours(tmp_path: Path, kinds: list[str]) -> None:
    messages = [
        holdings(holding(security=APPLE), holding(security="ISIN DE0007164600\nSAP"), account=f"A{place}")
        for place in range(len(kinds))
    ]
    spoilt = [
        text if kind == "good" else text.replace(BROKEN[kind], "", 1)
        for text, kind in zip(messages, kinds, strict=True)
    ]
    # The last is good, so that the file is not cut off.
    result = parse(tmp_path, "".join([*spoilt, holdings(holding(), account="Z")]))
    good = kinds.count("good")
    assert result.record_count == 2 * len(kinds) + 1
    assert result.quarantined_count == 2 * (len(kinds) - good)
    assert len(reasons(result)) == 2 * (len(kinds) - good)
    assert len({row["account_number"] for row in rows(result, "custodian_position")}) == good + 1


AMOUNTS = st.lists(st.integers(-(10**12), 10**12).filter(bool), max_size=12)


@given(amounts=AMOUNTS)
@QUICK
def test_the_sum_of_entries_survives(tmp_path: Path, amounts: list[int]) -> None:
    def text(value: int) -> str:
        return f"{'D' if value < 0 else 'C'}{abs(value) // 100},{abs(value) % 100:02d}"

    closing = 10**6 + sum(amounts)
    lines = [f":61:220105{text(value)}NTRFNONREF" for value in amounts]
    stated = f"{text(closing)[0]}220105EUR{text(closing)[1:]}"
    result = parse(tmp_path, cash(*lines, opening="C220104EUR10000,", closing=stated), "mt940.sta")
    assert [row["amount"] * 100 for row in rows(result)] == amounts
    [balance] = rows(result, "custodian_balance")
    assert balance["balance"] * 100 == closing
