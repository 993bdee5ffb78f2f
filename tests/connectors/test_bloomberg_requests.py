"""What is asked of Bloomberg: the text of a request says what the request says, and nothing that breaks the file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.market_data.bloomberg.requests import (
    ID_TYPES,
    PRICE_FIELDS,
    DataRequest,
    Instrument,
    daily_request,
    read_request,
    request_text,
)
from tests.connectors.vendor_files import VENDORS

SAMPLES = VENDORS / "bloomberg" / "samples"


def test_a_request_is_written_as_bloomberg_documents_it() -> None:
    universe = [Instrument("AAPL US Equity"), Instrument("037833100", "CUSIP")]
    asked = daily_request("dl12345", date(2026, 1, 5), "prices", ["PX_LAST", "CRNCY"], universe)
    assert request_text(asked) == (
        "START-OF-FILE\nFIRMNAME=dl12345\nPROGRAMNAME=getdata\nPROGRAMFLAG=adhoc\nREPLYFILENAME=prices_20260105.out\n"
        "DELIMITER=|\nDATEFORMAT=yyyymmdd\nSECMASTER=yes\nCLOSINGVALUES=yes\nDERIVED=yes\n\n"
        "START-OF-FIELDS\nPX_LAST\nCRNCY\nEND-OF-FIELDS\n\n"
        "START-OF-DATA\nAAPL US Equity\n037833100|CUSIP\nEND-OF-DATA\n\nEND-OF-FILE\n"
    )


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.req")))
def test_a_request_of_the_wild_comes_back_as_it_was(tmp_path: Path, name: str) -> None:
    asked = read_request(SAMPLES / name)
    assert asked.options["FIRMNAME"] == "dl12345"
    copy = tmp_path / name
    copy.write_text(request_text(asked))
    assert read_request(copy) == asked
    told = [line for line in (SAMPLES / name).read_text().splitlines() if line]
    assert [line for line in copy.read_text().splitlines() if line] == told


PLAIN = st.text("ABCXYZ019 /.", min_size=1, max_size=20).map(str.strip).filter(bool)


@given(
    fields=st.lists(st.sampled_from(PRICE_FIELDS), min_size=1, max_size=5, unique=True),
    universe=st.lists(st.builds(Instrument, PLAIN, st.sampled_from(ID_TYPES)), min_size=1, max_size=6),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_universe_comes_back(tmp_path: Path, fields: list[str], universe: list[Instrument]) -> None:
    asked = daily_request("dl1", date(2026, 1, 5), "prices", fields, universe)
    path = tmp_path / "a.req"
    path.write_text(request_text(asked))
    assert read_request(path) == asked


@pytest.mark.parametrize("text", ["", " ", "A\nB", "A|B", "Ä"])
def test_a_text_that_would_break_the_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="blank, not ASCII, or holds"):
        request_text(DataRequest({}, ["PX_LAST"], [Instrument(text)]))


def test_what_bloomberg_would_refuse_is_not_written() -> None:
    one = [Instrument("AAPL US Equity")]
    with pytest.raises(ValueError, match="at least one security"):
        request_text(DataRequest({}, ["PX_LAST"], []))
    with pytest.raises(ValueError, match="21 overrides"):
        request_text(DataRequest({f"OVERRIDE{n}": "1" for n in range(21)}, ["PX_LAST"], one))
    with pytest.raises(ValueError, match="not one of"):
        request_text(DataRequest({}, ["PX_LAST"], [Instrument("1", "WKN")]))
    with pytest.raises(ValueError, match="getquotes"):
        daily_request("dl1", date(2026, 1, 5), "quotes", [], one, program="getquotes")
