"""The OpenAPI document: valid, complete, in the contracts' words, and true of the answers."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fastapi.openapi.models import OpenAPI
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from contracts.generated import marts
from contracts.render.dictionary import dictionary_columns
from serving_api.accounts.schemas import Account
from serving_api.app import create_app
from serving_api.fields import ORIGIN, of
from serving_api.positions.schemas import Position, Positions
from serving_api.settings import ApiSettings
from serving_api.status.schemas import FeedStatus, Status
from serving_api.trace.schemas import TraceLine
from serving_api.valuations.schemas import Valuation
from tests.serving_api.client import Api
from tests.serving_api.world import LAST_DAY, World

SHOWN: tuple[type[BaseModel], ...] = (Account, Position, Positions, FeedStatus, Status, TraceLine, Valuation)
OWN_WORDS = {
    "Positions": {"as_of_date", "items"},
    "Status": {
        "latest_as_of_date", "published_at", "known_at", "account_count", "provisional_account_count", "files_landed",
        "last_received_at", "quarantined_row_count", "open_break_count", "feeds",
    },
    "TraceLine": {"role", "table_name", "values", "line_text"},
}  # fmt: skip
"""Fields that are the API's own and no column's; every other one must take its meaning from a contract."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(ApiSettings(database_url="postgresql:///nowhere")).openapi()


def refs(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from refs(value)
    elif isinstance(node, list):
        for value in node:
            yield from refs(value)


def test_the_document_is_openapi_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    OpenAPI.model_validate(document)
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    assert {ref.removeprefix("#/components/schemas/") for ref in refs(document)} <= schemas.keys()


def test_every_field_and_every_parameter_is_described(document: dict[str, Any]) -> None:
    bare = [
        f"{name}.{field}"
        for name, schema in document["components"]["schemas"].items()
        for field, described in schema["properties"].items()
        if not described.get("description")
    ]
    bare += [
        f"{path}?{parameter['name']}"
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", [])
        if not parameter.get("description")
    ]
    assert bare == []


def test_every_endpoint_tells_of_its_refusals(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        assert set(operations) == {"get"}
        responses = operations["get"]["responses"]
        if path.startswith("/api/"):
            assert {"200", "401", "422", "503"} <= set(responses)
            assert ("404" in responses) == ("{" in path)
            assert operations["get"]["security"]
        for status, response in responses.items():
            if status != "200":
                assert list(response["content"]) == ["application/problem+json"]


def origins() -> Iterator[tuple[str, str, Any, str]]:
    for model in SHOWN:
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
            yield model.__name__, name, field, str(extra.get(ORIGIN, ""))


def bare_type(annotation: Any) -> tuple[Any, bool]:
    """Type without its decoration, and whether it may be null."""
    if typing.get_origin(annotation) is typing.Annotated:
        return bare_type(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        (kept,) = (a for a in typing.get_args(annotation) if a is not type(None))
        return bare_type(kept)[0], True
    return annotation, False


def test_a_field_means_what_its_contract_says() -> None:
    for model, name, field, origin in origins():
        place = f"{model}.{name}"
        if not origin:
            assert name in OWN_WORDS[model], f"{place} takes its meaning from no contract"
            continue
        mart, _, column = origin.rpartition(".")
        if not mart:
            assert field.description.startswith(dictionary_columns()[column].description), place
            continue
        promised = getattr(marts, mart).model_fields[column]
        assert field.description.startswith(promised.description), place
        shown_type, shown_null = bare_type(field.annotation)
        promised_type, promised_null = bare_type(promised.annotation)
        assert shown_type is promised_type, place
        assert shown_null >= promised_null, f"{place} may be null in the mart"
    assert {model for model, *_ in origins()} >= OWN_WORDS.keys()


def test_a_field_of_a_column_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        of(marts.DimAccount, "no_such_column")


def test_no_field_is_a_float(document: dict[str, Any]) -> None:
    assert "'number'" not in str(document["components"]["schemas"])
    decimals = [(m, n) for m, n, field, _ in origins() if bare_type(field.annotation)[0] is Decimal]
    assert len(decimals) > 10
    for model, name in decimals:
        shown = document["components"]["schemas"][model]["properties"][name]
        assert "string" in str(shown)


@pytest.mark.xdist_group("serving_api")
def test_answers_are_what_the_document_promises(document: dict[str, Any], world: World, api: Api) -> None:
    public, account_key = next(iter(world.accounts("alder").values()))
    ((security,),) = world.rows(
        "SELECT security_id FROM marts.dim_security JOIN marts.fct_position_daily p USING (security_key) "
        "WHERE p.tenant_key = %s AND p.account_key = %s AND p.as_of_date = %s LIMIT 1",
        world.tenant_keys["alder"], account_key, LAST_DAY,
    )  # fmt: skip
    visited = 0
    for path, operations in document["paths"].items():
        schema = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        filled = path.format(account_id=public, security_id=security, as_of=LAST_DAY)
        query = {"as_of": LAST_DAY} if path.endswith("positions/{security_id}/trace") else {}
        answer = api.get(filled, world.keys["alder"], **query)
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json)
        visited += 1
    problem = document["components"]["schemas"]["ProblemDocument"]
    Draft202012Validator({**problem, "components": document["components"]}).validate(
        api.get("/api/v1/accounts", world.keys["alder"], limit=0).json
    )
    assert visited == 8
