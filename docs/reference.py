"""docs/api.md and docs/errors.md, made from the service's own OpenAPI document."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from service import problems
from service.app import create_app
from service.media.decoding import Uncaged
from service.settings import from_environment
from service.store.sqlite import SqliteStore

Json = dict[str, "Json"]  # as far as the pages go into it
_SHAPES: Final = "#/components/schemas/"
_API_HEAD: Final = """# The API, address by address

Made from the service's OpenAPI document by `python docs/generate.py`; the document itself, with
examples for every answer, is at `/openapi.json`. How to use it: [integrating.md](integrating.md)
and [http.md](http.md). Times are integer milliseconds. Codes of errors: [errors.md](errors.md).
"""
_ERRORS_HEAD: Final = """# Error codes

Made from the program by `python docs/generate.py`. Every error over HTTP is a problem document
(RFC 9457, `application/problem+json`). Switch on `code`: codes are stable, the texts are for people
and may change. `type` is `urn:recirc:problem:` and the code. `request_id` is also in the header
`X-Request-Id` and in the service's log.

```json
"""
_ERRORS_MORE: Final = """```

Which address answers with which code is in [api.md](api.md). What is said before an address is
looked for may come anywhere: `bad_request`, `not_found`, `method_not_allowed`.

"""


def document() -> Json:
    """The OpenAPI document of a service."""
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "lists.sqlite3")
        made: Json = create_app(from_environment({}), Uncaged(), store=store).openapi()
        store.close()
    return made


def errors() -> str:
    """The page of codes."""
    example = json.dumps(problems.example("list_not_found"), indent=1)
    lines = ["| Code | Status | Means | What to do |", "|---|---|---|---|"]
    lines += [
        f"| `{code}` | {meaning.status.value} | {meaning.title}. | {meaning.mend} |"
        for code, meaning in problems.in_order()
    ]
    return f"{_ERRORS_HEAD}{example}\n{_ERRORS_MORE}" + "\n".join(lines) + "\n"


def api(api: Json) -> str:
    """The page of addresses and shapes."""
    parts = [_API_HEAD]
    for name, operation in _operations(api):
        parts.append(f"\n## `{name}`\n\n{operation['summary']}. {_text(operation)}\n")
        parts += [*_parameters(operation), *_body(operation), *_answers(operation)]
    parts.append("\n# Shapes\n")
    for name, shape in sorted(api["components"]["schemas"].items()):
        parts += _shape(name, shape)
    return "".join(parts)


def _operations(api: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in api["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _codes(response: Json) -> list[str]:
    problem = response.get("content", {}).get("application/problem+json", {})
    return list(problem.get("examples", {}))


def _parameters(operation: Json) -> Iterator[str]:
    given = operation.get("parameters", [])
    if given:
        yield "\n| parameter | in | type | means |\n|---|---|---|---|\n"
    for one in given:
        needed = "" if one["in"] == "path" or not one.get("required") else ", required"
        yield (
            f"| `{one['name']}` | {one['in']}{needed} | {_type(one['schema'])} | "
            f"{one.get('description', '')} |\n"
        )


def _body(operation: Json) -> Iterator[str]:
    body = operation.get("requestBody")
    if body:
        kinds = ", ".join(
            f"`{kind}`{_of(content['schema'])}" for kind, content in body["content"].items()
        )
        yield f"\nBody: {body['description']} As {kinds}.\n"


def _of(schema: Mapping[str, Json]) -> str:
    """The shape behind a content type, where there is one."""
    return f" ({_type(schema)})" if "$ref" in schema or "title" in schema else ""


def _answers(operation: Json) -> Iterator[str]:
    yield "\n| status | answer |\n|---|---|\n"
    for status, response in sorted(operation["responses"].items()):
        kinds = [
            f"`{kind}`{_of(content.get('schema', {}))}"
            for kind, content in response.get("content", {}).items()
            if kind != "application/problem+json"
        ]
        codes = [f"`{code}`" for code in _codes(response)]
        yield f"| {status} | {', '.join(kinds + codes) or 'no content'} |\n"


def _shape(name: str, shape: Json) -> Iterator[str]:
    yield f"\n## {name}\n\n{_text(shape)}\n"
    fields = shape.get("properties", {})
    if fields:
        yield "\n| field | type | means |\n|---|---|---|\n"
    for field, schema in fields.items():
        optional = "" if field in shape.get("required", []) else "; may be left out"
        yield f"| `{field}` | {_type(schema)}{optional} | {schema.get('description', '')} |\n"


def _type(schema: Mapping[str, Json]) -> str:
    """A JSON schema in a few words."""
    reference = schema.get("$ref") or schema.get("allOf", [{}])[0].get("$ref")
    if reference:
        name = str(reference).removeprefix(_SHAPES)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{one}`" for one in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        inside = schema.get("items") or {}
        return f"array of {_type(inside)}" if inside else "array"
    return f"{schema.get('type', schema.get('title', 'anything'))}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Json]) -> str:
    least = schema.get("minimum", schema.get("minLength"))
    most = schema.get("maximum", schema.get("maxLength"))
    least, most = (None if one is None else f"{one:.15g}" for one in (least, most))
    if least is None and most is None:
        return ""
    unit = " characters" if schema.get("type") == "string" else ""
    if most is None:
        return f", at least {least}{unit}"
    return f", {least} to {most}{unit}" if least is not None else f", at most {most}{unit}"


def _text(part: Json) -> str:
    """A description as one paragraph, without what is code for reStructuredText."""
    return " ".join(str(part.get("description", "")).replace("``", "`").split())
