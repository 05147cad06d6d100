"""Aim generated requests: all that they do not test is taken from a request that succeeds."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from schemathesis import Case
from schemathesis.core.parameters import ParameterLocation as Location

from tests.api import schema
from tests.api.generated.known_requests import Request


def take_untested_parts(case: Case, request: Request) -> Case:
    """
    Take from `request` whatever `case` does not test.

    A generated id is nobody's, and a generated version was never shown: without this, each answer
    would be 404 or 412, whatever else is wrong.
    """
    tested = _get_tested_location(case)
    if tested != Location.PATH:
        case.path_parameters = dict(request.path)
    if tested != Location.HEADER:
        case.headers.update(request.headers)
    if tested != Location.QUERY:
        case.query = dict(request.query)
    else:
        case.query = _aim_query(case, request)
    if tested == Location.BODY:
        case.body = _aim_body(case, request.body)
    elif request.body is not None:
        case.body = request.body
    return case


def mix_generated_with_good(case: Case, request: Request, data: st.DataObject) -> Case:
    """Return `case` with some of its generated values, and those of `request` for the others."""
    case.query = _choose_generated_values(case.query, request.query, data)
    if isinstance(request.body, dict) and isinstance(case.body, dict):
        case.body = _choose_generated_values(case.body, request.body, data)
    return case


def _choose_generated_values(
    generated: dict[str, Any], good: dict[str, Any], data: st.DataObject
) -> dict[str, Any]:
    names = st.lists(st.sampled_from(sorted(generated)), unique=True) if generated else st.just([])
    return good | {name: generated[name] for name in data.draw(names)}


def _get_tested_location(case: Case) -> Location | None:
    found: Location | None = case.meta.phase.data.parameter_location if case.meta else None
    return found


def _aim_query(case: Case, request: Request) -> dict[str, Any]:
    name = case.meta.phase.data.parameter
    if name is None:
        return dict(case.query)
    others = {key: value for key, value in request.query.items() if key != name}
    return others | ({name: case.query[name]} if name in case.query else {})


def _aim_body(case: Case, good: Any) -> Any:
    if not isinstance(good, dict) or not isinstance(case.body, dict):
        return case.body
    if case.meta.generation.mode.is_positive:
        return {**case.body, **good}
    properties, required = read_body_schema(case.operation.definition.raw["operationId"])
    wrong = {
        name: value
        for name, value in case.body.items()
        if name not in properties or not fits_schema(value, properties[name])
    }
    absent = set(required) - set(case.body) if not wrong else set()
    return {name: value for name, value in {**good, **wrong}.items() if name not in absent}


def read_body_schema(operation_id: str) -> tuple[dict[str, Any], list[str]]:
    """Return the properties of the operation's JSON body, and which are required."""
    [operation] = [
        one
        for methods in schema.read_strict_document()["paths"].values()
        for one in methods.values()
        if one["operationId"] == operation_id
    ]
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    found = schema.read_strict_document()["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return found["properties"], found.get("required", [])


def fits_schema(value: Any, described: dict[str, Any]) -> bool:
    whole = {**described, "components": schema.read_strict_document()["components"]}
    return Draft202012Validator(whole, format_checker=schema.FORMATS).is_valid(value)
