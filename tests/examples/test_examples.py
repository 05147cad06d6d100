"""
The examples of the API reference are real calls.

`python -m tests.examples` writes `examples.json` again.
"""

from __future__ import annotations

import difflib
import os

import orjson
import pytest
from jsonschema import Draft202012Validator

from integrations.urls.api import openapi_examples
from limited_use.policy.policy_vocabulary import Purpose
from tests.api import schema
from tests.api.generated.operations import OPERATIONS
from tests.examples import WRITE
from tests.examples.recorder import record_examples

pytestmark = pytest.mark.django_db

AGAIN = "run `python -m tests.examples`, then write the OpenAPI document again"


@pytest.fixture(scope="module")
def committed():
    return openapi_examples.read_examples()


def test_are_those_of_real_calls(described, world, person, own, features, marketing):  # noqa: PLR0917
    inbox, proposals, scheduler, files = features
    by_purpose = {
        Purpose.INBOX_DISPLAY: inbox,
        Purpose.DRAFT_PROPOSE: proposals,
        Purpose.CALENDAR_SCHEDULE: scheduler,
        Purpose.DRIVE_UPLOAD: files,
    }
    recorded = record_examples(
        described, world, by_purpose, person=person, own=own, marketing=marketing
    )

    content = orjson.dumps(recorded, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if os.environ.get(WRITE):
        openapi_examples.EXAMPLES_FILE.write_bytes(content)
        openapi_examples.read_examples.cache_clear()
    committed = openapi_examples.EXAMPLES_FILE.read_text().splitlines()
    lines = difflib.unified_diff(
        committed, content.decode().splitlines(), "committed", "recorded", lineterm=""
    )
    difference = "\n".join(lines)
    assert not difference, f"{AGAIN}\n{difference}"


class TestExamples:
    def test_exist_for_every_operation(self, committed):
        missing = set(OPERATIONS) - committed["operations"].keys()

        assert missing == set(), f"operations without an example: {AGAIN}"
        assert committed["operations"].keys() == set(OPERATIONS)

    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_are_valid(self, operation_id):
        operation = find_operation(operation_id)
        contents = [operation.get("requestBody", {}).get("content", {})]
        contents += [response.get("content", {}) for response in operation["responses"].values()]
        shown = [
            (media["schema"], example["value"])
            for content in contents
            for media in content.values()
            for example in media.get("examples", {}).values()
        ]
        success = [
            media
            for status, response in operation["responses"].items()
            for media in response.get("content", {}).values()
            if status.startswith("2")
        ]

        assert not success or any("examples" in media for media in success)
        assert "requestBody" not in operation or all("examples" in m for m in contents[0].values())
        for described, value in shown:
            check_value(described, value)
        for parameter in operation["parameters"]:
            if "example" in parameter:
                check_value(parameter["schema"], parameter["example"])
            else:
                assert not parameter.get("required"), (parameter["name"], AGAIN)

    def test_of_refusals_are_valid(self):
        responses = schema.read_strict_document()["components"]["responses"]
        problems = {
            status: responses[f"Problem{status}"]["content"]["application/problem+json"]["examples"]
            for status in ("403", "404")
        }

        assert problems["403"]["limited-use-refused"]["value"]["purpose"] == "marketing"
        assert problems["404"]["not-found"]["value"]["code"] == "not-found"
        for examples in problems.values():
            for example in examples.values():
                schema.check_problem(example["value"])

    def test_have_code_in_two_languages(self):
        for operation_id in OPERATIONS:
            samples = find_operation(operation_id)["x-codeSamples"]

            assert [sample["lang"] for sample in samples] == ["Shell", "Python"]
            compile(samples[1]["source"], operation_id, "exec")

    def test_hold_no_marker(self):
        content = openapi_examples.EXAMPLES_FILE.read_text()

        assert "dana.reyes@northwind.example" in content
        assert "canary" not in content.lower()
        assert "zx-marker" not in content
        assert "127.0.0.1" not in content


def find_operation(operation_id):
    [operation] = [
        operation
        for methods in schema.read_strict_document()["paths"].values()
        for operation in methods.values()
        if operation["operationId"] == operation_id
    ]
    return operation


def check_value(described, value):
    whole = {**described, "components": schema.read_strict_document()["components"]}
    errors = Draft202012Validator(whole, format_checker=schema.FORMATS).iter_errors(value)
    assert [error.message for error in errors] == []
