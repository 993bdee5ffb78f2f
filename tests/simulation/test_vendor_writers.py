"""The simulated LSEG, FactSet and ICE, and what they draw on: laws of the written bytes."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from simulation.market import PRICE_UNITS, Market
from simulation.trading import _EX_DAYS, _QUARTER_DAYS
from simulation.vendor_api import Asked, VendorApi
from simulation.vendor_data import dividends
from simulation.world import World
from simulation.writers import factset, ice, lseg


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def test_every_dividend_that_an_account_receives_is_announced_with_its_days_and_rate(world: World) -> None:
    market = world.market
    told = {(d.security, d.pay_date): d for d in dividends(market)}
    paid = [t for t in world.booked.transactions if t.type == "DIVIDEND"]
    assert len(paid) > 20
    for booking in paid:
        event = told[booking.security, booking.trade_date]
        assert market.place(event.pay_date) - market.place(event.ex_date) == _EX_DAYS
        assert event.announced < event.ex_date < event.record_date < event.pay_date


def test_a_rate_is_a_quarter_of_the_yearly_one_on_the_close_of_the_ex_day(scene: Market) -> None:
    assert _QUARTER_DAYS == 63
    for event in dividends(scene):
        listed = scene.securities[event.security]
        close = Fraction(int(scene.prices[scene.place(event.ex_date), event.security]), PRICE_UNITS)
        assert abs(Fraction(event.rate) - close * Fraction(listed.annual_rate) / 4) <= Fraction(1, 2 * 10**8)


def test_the_partial_file_lacks_what_is_under_embargo_and_the_final_one_has_it(scene: Market) -> None:
    told = {kind: content for _, kind, content in lseg.files(scene, scene.days[0])}
    early, final = rows(told["EOD_PARTIAL"]), rows(told["EOD"])
    late = [row for row in final if row not in early]
    assert {row["Currency Code"] for row in late} == {"GBp"}
    assert len(early) + len(late) == len(final)
    assert told["EOD"].endswith(b"\r\n")


def test_json_numbers_have_all_their_digits(scene: Market) -> None:
    text = factset.document(factset.price_records(scene, scene.days[0])).decode()
    told = json.loads(text, parse_float=Decimal)["data"]
    apple = next(record for record in told if record["requestId"] == "US0378331005")
    assert apple["price"] == Decimal(int(scene.prices[0, 0])) / PRICE_UNITS
    assert all("." not in record["requestId"] for record in told)


@pytest.mark.parametrize(
    ("day", "rests"),
    [
        (date(2022, 10, 10), True),
        (date(2022, 10, 11), False),
        (date(2022, 11, 11), True),
        (date(2023, 10, 9), True),
        (date(2018, 11, 12), True),
        (date(2022, 7, 1), False),
    ],
)
def test_bonds_rest_on_columbus_day_and_veterans_day(day: date, rests: bool) -> None:
    assert ice.is_bond_holiday(day) is rests


def test_a_dirty_price_less_its_accrued_interest_is_the_close(scene: Market) -> None:
    [(_, _, content)] = list(ice.files(scene, scene.days[0]))
    closes = {s.isin: Decimal(int(scene.prices[0, n])) / PRICE_UNITS for n, s in enumerate(scene.securities)}
    told = rows(content)
    assert {row["clean_dirty_flag"] for row in told} == {"C", "D"}
    for row in told:
        accrued = Decimal(row["accrued"]) if row["clean_dirty_flag"] == "D" else 0
        assert Decimal(row["mid"]) - accrued == closes[row["isin"]]


def test_the_service_refuses_strangers_and_answers_the_same_requests_alike(scene: Market) -> None:
    login = json.dumps({"Credentials": {"Username": "u", "Password": "p"}}).encode()
    body = json.dumps({"ids": ["US0378331005"], "startDate": scene.days[0].isoformat(), "adjust": "UNSPLIT"}).encode()
    path = "/factset/content/factset-global-prices/v1/prices"
    asked = [
        Asked("POST", "/dss/RestApi/v1/Authentication/RequestToken", {}, {}, login),
        Asked("POST", path, {}, {"accept": "application/json"}, body),
        Asked("POST", path, {}, {"accept": "application/json", "authorization": "Basic dTpw"}, body),
        Asked("POST", path, {}, {"accept": "text/html", "authorization": "Basic dTpw"}, body),
        Asked("GET", "/elsewhere", {}, {}, b""),
    ]
    first, second = (
        [api.answer(one) for one in asked] for api in (VendorApi(scene, "u", "p"), VendorApi(scene, "u", "p"))
    )
    assert first == second
    assert [answer.status for answer in first] == [200, 401, 200, 406, 404]


def test_every_seventh_request_is_told_to_wait(scene: Market) -> None:
    api = VendorApi(scene, "u", "p")
    statuses = [api.answer(Asked("GET", "/elsewhere", {}, {}, b"")).status for _ in range(14)]
    assert [n for n, status in enumerate(statuses, 1) if status == 429] == [7, 14]
