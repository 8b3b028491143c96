"""The OpenAPI document: true to the answers, and each example true to its schema."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import BaseModel, ValidationError

from hashing.fingerprint import Kind
from hashing.formats import document, listfile
from hashing.reference import Policy
from hashing.verdict import Verdict
from service import admin_schemas, answers, examples, problems, schemas
from service.app import create_app
from service.callers import OF_KEYS, Caller, Scope
from service.checking import CheckResult, Match
from service.keys import State
from service.media.decoding import Level, Uncaged
from tests import findings
from tests.memory_store import MemoryStore
from tests.service.calls import calling, settings

Json = dict[str, "Json"]  # as far as the tests go into it

FINDING = replace(
    findings.FINDING,
    chance=1e-12,
    distinct_hits=38,
    mean_distance_bits=12.44,
    agreement=0.912,
    clip_ranges_ms=((0, 22000), (23000, 24000)),
    reference_ranges_ms=((400, 22400),),
    clip_coverage=0.98,
    reference_coverage=0.91,
)
RESULT = CheckResult(
    verdict=Verdict.MATCH,
    kind=Kind.VIDEO,
    duration_ms=22433,
    checked_ms=22433,
    frames=45,
    problems=("truncated",),
    matches=(Match("a", "r1", "main video", None, FINDING),),
    suppressed=(Match("a", "r2", None, "event", FINDING),),
    lists=(("a", 7),),
    elapsed_ms=412,
)


@pytest.fixture(scope="module")
def openapi() -> Json:
    with calling() as call:
        found: Json = call("GET", "/openapi.json").json()
    return found


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        (schemas.CheckAnswer, answers.CheckAnswer),
        (schemas.MatchAnswer, answers.MatchAnswer),
        (schemas.ListVersion, answers.ListAnswer),
        (schemas.BriefAnswer, answers.BriefAnswer),
        (schemas.BriefMatch, answers.BriefMatch),
    ],
)
def test_a_shape_has_the_fields_of_the_answer(shape: type[BaseModel], answer: type) -> None:
    assert list(shape.model_fields) == [name for name in answer.__annotations__ if name != "path"]


@pytest.mark.parametrize("speed", [1.0, 0.5, -1.0], ids=["plain", "slow", "backwards"])
def test_an_answer_passes_through_its_shape_unchanged(speed: float) -> None:
    match = replace(RESULT.matches[0], finding=replace(FINDING, speed=speed))
    answer = answers.of_check(replace(RESULT, matches=(match,)))

    passed = schemas.CheckAnswer.model_validate_json(json.dumps(answer), strict=True)

    assert json.loads(passed.model_dump_json()) == json.loads(json.dumps(answer))


def test_a_brief_answer_passes_through_its_shape_unchanged() -> None:
    brief = answers.for_caller(answers.of_check(RESULT), Caller("a key", Scope.CHECK))

    passed = schemas.BriefAnswer.model_validate_json(json.dumps(brief), strict=True)

    assert json.loads(passed.model_dump_json()) == json.loads(json.dumps(brief))


# What the scope `check` is told: docs/decisions/0008. Whatever is new in an answer is not.
BRIEF_MATCH = {"verdict", "list", "label", "incident", "clip_ranges_ms"}


@pytest.mark.parametrize("scope", OF_KEYS.values())
def test_what_is_told_of_a_match_depends_on_the_scope(scope: Scope) -> None:
    whole = answers.of_check(RESULT)

    seen = answers.for_caller(whole, Caller("a key", scope))

    if scope > Scope.CHECK:
        assert seen == whole
        return
    told = [*seen["matches"], *seen["suppressed"]]
    assert len(told) == 2
    for match, full in zip(told, [*whole["matches"], *whole["suppressed"]], strict=True):
        assert set(match) == BRIEF_MATCH
        assert match.items() <= full.items()
    rest: dict[str, object] = {"matches": [], "suppressed": []}
    assert {**seen, **rest} == {**whole, **rest}


@pytest.mark.parametrize(
    ("literal", "names"),
    [
        (schemas.VerdictName, Verdict),
        (schemas.KindName, Kind),
        (schemas.PolicyName, Policy),
        (schemas.SandboxName, Level),
        (admin_schemas.ScopeName, OF_KEYS),
        (admin_schemas.StateName, State),
    ],
)
def test_choices_are_those_of_the_core(literal: object, names: Iterable[str]) -> None:
    assert list(get_args(literal)) == list(names)


def operations(openapi: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_paths_are_those_of_the_contract(openapi: Json) -> None:
    assert {name for name, _ in operations(openapi)} == {
        "POST /v1/check",
        "POST /v1/check/fingerprint",
        "POST /v1/check/url",
        "POST /v1/jobs",
        "GET /v1/jobs/{id}",
        "DELETE /v1/jobs/{id}",
        "GET /v1/lists",
        "POST /v1/lists",
        "GET /v1/lists/{list}",
        "PATCH /v1/lists/{list}",
        "DELETE /v1/lists/{list}",
        "GET /v1/lists/{list}/references",
        "POST /v1/lists/{list}/references",
        "GET /v1/lists/{list}/references/{id}",
        "PATCH /v1/lists/{list}/references/{id}",
        "DELETE /v1/lists/{list}/references/{id}",
        "POST /v1/lists/{list}/import",
        "GET /v1/lists/{list}/export",
        "GET /v1/keys",
        "POST /v1/keys",
        "POST /v1/keys/{id}/rotate",
        "DELETE /v1/keys/{id}",
        "GET /v1/audit",
        "GET /livez",
        "GET /readyz",
        "GET /metrics",
    }


def test_every_answer_has_an_example_that_is_true_to_its_schema(openapi: Json) -> None:
    seen = 0
    for name, operation in operations(openapi):
        for status, response in operation["responses"].items():
            assert response["description"], (name, status)
            assert status == "204" or response["content"], (name, status)
            for media_type, content in response.get("content", {}).items():
                assert content["examples"], (name, status)
                for example in content["examples"].values():
                    require_true(media_type, content, example["value"], int(status))
                    seen += 1
    assert seen > 100


def test_every_code_is_answered_by_some_address(openapi: Json) -> None:
    text = json.dumps(openapi["paths"])

    told = {code for code in problems.MEANINGS if f'"{code}": {{"value"' in text}
    assert problems.MEANINGS.keys() - told == {"bad_request", "not_found", "method_not_allowed"}


def test_every_request_body_has_an_example_that_is_true_to_its_schema(openapi: Json) -> None:
    shapes = set()
    for _, operation in operations(openapi):
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            if media_type == "application/json":
                title = str(content["schema"].get("title", "fingerprint"))
                shapes.add(title)
                if title == "fingerprint":
                    document.from_document(content["example"])
                else:
                    shape(title).model_validate(content["example"])
    assert shapes == {
        "fingerprint",
        "ListIn",
        "ListPatch",
        "ReferencePatch",
        "KeyIn",
        "KeyRotation",
        "UrlIn",
    }


def shape(name: str) -> type[BaseModel]:
    found = getattr(schemas, name, None) or getattr(admin_schemas, name)
    assert isinstance(found, type)
    assert issubclass(found, BaseModel)
    return found


def validated(schema: dict[str, Any], value: str) -> BaseModel:
    """The value as the schema's shape, or as the first of its shapes that it fits."""
    wrong = None
    shapes = list(schema["anyOf"]) if "anyOf" in schema else [schema]
    for one in shapes:
        try:
            name = str(one["$ref"]).removeprefix("#/components/schemas/")
            return shape(name).model_validate_json(value)
        except ValidationError as error:
            wrong = error
    assert wrong is not None
    raise wrong


def require_true(media_type: str, content: Json, value: object, status: int) -> None:
    if media_type == "text/plain":
        assert list(text_string_to_metric_families(str(value)))
        return
    if media_type == "application/jsonl":
        _, items = listfile.read(str(value).encode().splitlines(True))
        assert all(isinstance(item, listfile.Line) for item in items)
        return
    read = validated(content["schema"], json.dumps(value))
    if isinstance(read, schemas.Problem):
        assert media_type == problems.MEDIA_TYPE
        assert status == read.status


def test_every_reference_in_the_document_leads_somewhere(openapi: Json) -> None:
    named = {part.split('"')[0] for part in json.dumps(openapi).split("#/components/schemas/")[1:]}

    assert named <= openapi["components"]["schemas"].keys()
    assert "HTTPValidationError" not in json.dumps(openapi)


def test_the_example_of_a_match_is_the_contracts() -> None:
    """Two of its fields, so that a change to the example is a decision."""
    match = examples.MATCH

    assert match["clip_ranges_ms"] == [[0, 22000]]
    assert match["reference_ranges_ms"] == [[400, 22400]]


def test_no_page_loads_scripts_from_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = create_app(settings(tmp_path_factory.mktemp("x")), Uncaged(), store=MemoryStore())

    assert (app.docs_url, app.redoc_url) == (None, None)
