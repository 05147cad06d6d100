"""The API reference: texts for clients, and never a docstring of a view or serializer."""

from __future__ import annotations

import inspect
from html import unescape

import orjson
import pytest
from django.urls import get_resolver

from integrations.urls.api import openapi, openapi_access, operation_texts
from integrations.urls.api.enumeration_texts import VALUES_BY_PLACE, list_enumerations
from integrations.urls.api.operation_access import ACCESS


@pytest.fixture(scope="module")
def document():
    return orjson.loads(openapi.read_document())


def list_operations(document):
    return [operation for path in document["paths"].values() for operation in path.values()]


class TestDocument:
    def test_has_the_texts_of_every_operation(self, document):
        operations = list_operations(document)
        texts = {
            operation["operationId"]: (operation["summary"], operation["description"])
            for operation in operations
        }

        assert texts == {
            name: (
                text.summary,
                "\n\n".join(
                    filter(
                        None,
                        (text.description, openapi_access.describe_callers(ACCESS[name])),
                    )
                ),
            )
            for name, text in operation_texts.OPERATIONS.items()
        }
        assert texts["list_messages"][1].endswith(
            "Needs a token for `inbox.display`, or the person's session."
        )
        assert texts["send_message"][1].endswith("Needs the person's session. Tokens are refused.")
        assert texts["propose_draft"][1].endswith("Needs a token for `draft.propose`.")

    def test_describes_schemas_by_the_table_alone(self, document):
        described = {
            name.removeprefix("Patched"): schema["description"]
            for name, schema in document["components"]["schemas"].items()
            if "description" in schema and name != "Problem"
        }

        assert described == operation_texts.SCHEMAS

    def test_names_a_described_resource_for_every_operation(self, document):
        tags = {tag["name"]: tag["description"] for tag in document["tags"]}
        used = [operation["tags"] for operation in list_operations(document)]

        assert all(len(names) == 1 for names in used)
        assert {name for names in used for name in names} == tags.keys()
        assert all(tags.values())
        groups = [name for group in document["x-tagGroups"] for name in group["tags"]]
        assert sorted(groups) == sorted(tags)

    def test_has_access_of_operations_only(self, document):
        operations = {operation["operationId"] for operation in list_operations(document)}

        assert ACCESS.keys() == operations

    def test_refuses_an_operation_without_access(self):
        path = {"get": {"operationId": "list_ghosts"}}

        with pytest.raises(openapi_access.UndocumentedOperation, match="list_ghosts"):
            openapi_access.describe_access({"paths": {"/v1/ghosts": path}})

    def test_describes_each_value_of_every_enumeration(self, document):
        missing = [
            f"{place} {value}: add it to enumeration_texts"
            for place, schema in list_enumerations(document).items()
            for value in schema["enum"]
            if value is not None and not schema["x-enumDescriptions"].get(str(value))
        ]

        assert missing == []
        assert VALUES_BY_PLACE.keys() == list_enumerations(document).keys()

    def test_describes_every_parameter(self, document):
        parameters = [
            (operation["operationId"], parameter["name"], parameter.get("description"))
            for operation in list_operations(document)
            for parameter in operation.get("parameters", ())
        ]
        names = {name for _, name, _ in parameters}
        keys = names | {f"{operation_id}.{name}" for operation_id, name, _ in parameters}

        assert [row for row in parameters if not row[2]] == []
        assert "user" in names
        assert operation_texts.PARAMETERS.keys() <= keys

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


def read_articles(html):
    """Return the text of each operation on the page, by its id."""
    parts = html.split('<article class="card" id="')[1:]
    return {part.partition('"')[0]: unescape(part.partition("</article>")[0]) for part in parts}


def is_example_shown(value, article):
    if isinstance(value, str):
        return value in article
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() in article


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
        html = client.get("/api/plain/").content.decode()

        for operation in list_operations(document):
            assert operation["summary"] in html
            assert f'id="{operation["operationId"]}"' in html
        assert "<code>when.start</code>" in html
        assert "<code>participants[].email</code>" in html
        assert "<code>Idempotency-Key</code>" in html

    def test_shows_what_each_successful_response_has(self, client, document):
        articles = read_articles(client.get("/api/plain/").content.decode())
        shown = 0

        for operation in list_operations(document):
            article = articles[operation["operationId"]]
            for status, response in operation["responses"].items():
                for media in response.get("content", {}).values():
                    if not status.startswith("2"):
                        continue
                    for example in media.get("examples", {}).values():
                        assert is_example_shown(example["value"], article)
                        shown += 1

        assert shown > 40
        assert "<code>data[].snippet</code>" in articles["list_messages"]
        assert "<code>data[].snippet</code>" not in articles["list_calendars"]

    def test_shows_the_limits_of_values(self, client):
        articles = read_articles(client.get("/api/plain/").content.decode())
        _, _, limit = articles["list_messages"].partition("<dt><code>limit</code></dt>")

        assert (
            "Smallest value: <code>1</code>. Largest value: <code>200</code>."
            in (limit.partition("</dd>")[0])
        )
        assert "Longest length:" in articles["create_event"]

    def test_resolves_shared_responses(self, client):
        assert (
            "Not signed in, or the token is invalid" in client.get("/api/plain/").content.decode()
        )
