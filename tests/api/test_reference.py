"""The API reference: texts for clients, and never a docstring of a view or serializer."""

from __future__ import annotations

import inspect

import orjson
import pytest
from django.urls import get_resolver

from integrations.urls.api import openapi, operation_texts


@pytest.fixture(scope="module")
def document():
    return orjson.loads(openapi.read_document())


def list_operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


class TestDocument:
    def test_has_the_texts_of_every_operation(self, document):
        texts = {
            operation["operationId"]: (operation["summary"], operation.get("description", ""))
            for operation in list_operations(document)
        }

        assert texts == {name: tuple(text) for name, text in operation_texts.OPERATIONS.items()}

    def test_describes_schemas_by_the_table_alone(self, document):
        described = {
            name.removeprefix("Patched"): schema["description"]
            for name, schema in document["components"]["schemas"].items()
            if "description" in schema and name != "Problem"
        }

        assert described == operation_texts.SCHEMAS

    def test_has_no_docstring(self, document):
        """Docstrings are for programmers of the service."""
        text = openapi.read_document().decode()
        views = {
            pattern.callback.cls
            for pattern in iterate_patterns(get_resolver().url_patterns)
            if hasattr(pattern.callback, "cls")
        }
        docstrings = {
            first_line(inspect.getdoc(part))
            for view in views
            for part in (view, *(getattr(view, method, None) for method in HANDLERS))
            if part is not None and inspect.getdoc(part)
        }

        assert len(docstrings) > 20
        assert [line for line in docstrings if line and line in text] == []

    def test_has_a_description_of_every_response(self, document):
        assert [
            (operation["operationId"], status)
            for operation in list_operations(document)
            for status, response in operation["responses"].items()
            if "$ref" not in response and not response["description"]
        ] == []


HANDLERS = ("get", "post", "put", "patch", "delete")


def iterate_patterns(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from iterate_patterns(pattern.url_patterns)
        else:
            yield pattern


def first_line(docstring):
    return docstring.partition("\n")[0]


@pytest.mark.django_db
class TestPage:
    def test_shows_every_operation_with_its_members(self, client, document):
        html = client.get("/api/").content.decode()

        for operation in list_operations(document):
            assert operation["summary"] in html
            assert f'id="{operation["operationId"]}"' in html
        assert "<code>when.start</code>" in html
        assert "<code>participants[].email</code>" in html
        assert "<code>Idempotency-Key</code>" in html

    def test_resolves_shared_responses(self, client):
        assert "Not signed in, or the token is invalid" in client.get("/api/").content.decode()
