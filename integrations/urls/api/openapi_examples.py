"""
Examples of requests and responses in the OpenAPI document.

`python -m tests.examples` writes them from real calls, with other ids and times.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import orjson

from .code_samples import make_code_samples

EXAMPLES_FILE: Final = Path(__file__).with_name("examples.json")


@cache
def read_examples() -> Any:
    return orjson.loads(EXAMPLES_FILE.read_bytes())


def add_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """
    Add examples and code samples to every operation (a drf-spectacular postprocessing hook).

    An operation without an example gets none; a test reports it.
    """
    examples = read_examples()
    for path, methods in result["paths"].items():
        for operation in methods.values():
            if example := examples["operations"].get(operation["operationId"]):
                _add_request(operation, example["request"])
                _add_response(operation, example["response"])
                operation["x-codeSamples"] = make_code_samples(path, operation, example["request"])
    for refusal in examples["refusals"]:
        _add_refusal(result["components"]["responses"], refusal)
    problems = [refusal["body"] for refusal in examples["refusals"]]
    schemas = result["components"]["schemas"]
    schemas["Problem"] = {**schemas["Problem"], "examples": problems}
    return result


def _add_request(operation: dict[str, Any], request: Mapping[str, Any]) -> None:
    values = {"path": request["path"], "query": request["query"], "header": request["headers"]}
    for parameter in operation["parameters"]:
        sent = values[parameter["in"]]
        if parameter["name"] in sent:
            parameter["example"] = _read_value(sent[parameter["name"]], parameter["schema"])
    if "body" in request:
        [media] = operation["requestBody"]["content"].values()
        media["examples"] = {"request": {"summary": "A request", "value": request["body"]}}


def _read_value(value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value as its schema has it: all are texts in an address or a header."""
    if schema.get("type") == "integer":
        return int(value)
    if schema.get("type") == "boolean":
        return str(value).lower() == "true"
    return value


def _add_response(operation: dict[str, Any], recorded: Mapping[str, Any]) -> None:
    response = operation["responses"][str(recorded["status"])]
    if "body" in recorded:
        media = response["content"][recorded["media_type"].partition(";")[0]]
        media["examples"] = {"response": {"summary": "A response", "value": recorded["body"]}}
    for name, value in recorded["headers"].items():
        if header := response.get("headers", {}).get(name):
            header["example"] = _read_value(value, header.get("schema", {}))


def _add_refusal(responses: dict[str, Any], recorded: Mapping[str, Any]) -> None:
    problem = recorded["body"]
    response = responses[f"Problem{recorded['status']}"]
    media = response["content"]["application/problem+json"]
    media["examples"] = {problem["code"]: {"summary": problem["title"], "value": problem}}
