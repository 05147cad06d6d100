"""The OpenAPI document breaks no client of the released one, `openapi-released.json`."""

from __future__ import annotations

import copy
from pathlib import Path

import orjson
import pytest

from integrations.urls.api import openapi
from tests.frozen.openapi_changes import list_breaking_changes

RELEASED_FILE = Path(__file__).with_name("openapi-released.json")
MESSAGES = "/v1/users/{user}/messages"
EVENT = "/v1/users/{user}/events/{event_id}"
OUTBOX = "/v1/users/{user}/outbox"


@pytest.fixture
def document():
    return orjson.loads(openapi.read_document())


@pytest.fixture
def changed(document):
    return copy.deepcopy(document)


def find_parameter(document, path, method, name):
    parameters = document["paths"][path][method]["parameters"]
    return next(one for one in parameters if one["name"] == name)


class TestReleasedDocument:
    def test_is_not_broken(self, document):
        released = orjson.loads(RELEASED_FILE.read_bytes())

        assert list_breaking_changes(released, document) == [], (
            "clients of the released document break: keep the old form, or release a new version"
            " (see CONTRIBUTING.md, The API document)"
        )
        # Else a later change could remove what clients already use.
        assert released == document, "copy openapi.json to openapi-released.json"


class TestBreakingChanges:
    def test_of_equal_documents_are_none(self, document, changed):
        assert list_breaking_changes(document, changed) == []

    def test_include_a_removed_path(self, document, changed):
        del changed["paths"][MESSAGES]

        assert list_breaking_changes(document, changed) == [f"paths.{MESSAGES}: Path removed"]

    def test_include_a_removed_operation(self, document, changed):
        del changed["paths"][EVENT]["delete"]

        assert list_breaking_changes(document, changed) == [
            f"paths.{EVENT}.delete: Operation removed"
        ]

    def test_include_a_renamed_operation(self, document, changed):
        changed["paths"][MESSAGES]["get"]["operationId"] = "read_messages"

        assert list_breaking_changes(document, changed) == [
            f"GET {MESSAGES}: operation id list_messages is now read_messages"
        ]

    def test_include_a_removed_parameter(self, document, changed):
        parameters = changed["paths"][MESSAGES]["get"]["parameters"]
        parameters.remove(find_parameter(changed, MESSAGES, "get", "folder"))

        assert list_breaking_changes(document, changed) == [
            f"operations.GET {MESSAGES}.parameters.query.folder: Parameter removed"
        ]

    def test_include_a_new_required_parameter(self, document, changed):
        new = {"in": "query", "name": "reason", "required": True, "schema": {"type": "string"}}
        changed["paths"][MESSAGES]["get"]["parameters"].append(new)

        assert list_breaking_changes(document, changed) == [
            f"operations.GET {MESSAGES}.parameters.query.reason: Required parameter added"
        ]

    def test_include_a_removed_member_of_a_response(self, document, changed):
        del changed["components"]["schemas"]["MessageSummary"]["properties"]["subject"]

        assert any(
            line.startswith(f"operations.GET {MESSAGES}.responses.200") and "subject" in line
            for line in list_breaking_changes(document, changed)
        )

    def test_include_a_new_required_member_of_a_request(self, document, changed):
        body = changed["components"]["schemas"]["NewOutboxMessage"]
        body["properties"]["reason"] = {"type": "string"}
        body["required"].append("reason")

        assert f"POST {OUTBOX}: body: reason is required now" in list_breaking_changes(
            document, changed
        )

    def test_include_a_member_that_a_response_can_leave_out(self, document, changed):
        changed["components"]["schemas"]["MessageSummary"]["required"].remove("subject")

        assert f"GET {MESSAGES}: 200.data[].subject: can be absent now" in list_breaking_changes(
            document, changed
        )

    def test_include_a_changed_type(self, document, changed):
        members = changed["components"]["schemas"]["MessageSummary"]["properties"]
        members["size"] = {"type": "string"}

        assert f"GET {MESSAGES}: 200.data[].size: type ['integer'] is now ['string']" in (
            list_breaking_changes(document, changed)
        )

    def test_include_a_member_of_a_response_that_can_be_null(self, document, changed):
        members = changed["components"]["schemas"]["MessageSummary"]["properties"]
        members["size"]["type"] = ["integer", "null"]

        assert list_breaking_changes(document, changed)

    def test_include_a_narrowed_enumeration_of_a_parameter(self, document, changed):
        find_parameter(changed, MESSAGES, "get", "folder")["schema"]["enum"].remove("chat")

        assert list_breaking_changes(document, changed) == [
            f"GET {MESSAGES}: folder: enumeration without ['chat']"
        ]

    def test_include_a_narrowed_enumeration_of_a_body(self, document, changed):
        mode = changed["components"]["schemas"]["AnswerOf"]["properties"]["mode"]
        mode["enum"].remove("forward")

        assert list_breaking_changes(document, changed) == [
            f"POST {OUTBOX}: body.answer.mode: enumeration without ['forward']"
        ]

    def test_include_a_removed_value_of_a_response(self, document, changed):
        state = changed["components"]["schemas"]["OutboxMessage"]["properties"]["state"]
        state["enum"].remove("undone")

        assert f"GET {OUTBOX}: 200.data[].state: enumeration without ['undone']" in (
            list_breaking_changes(document, changed)
        )

    def test_include_a_text_that_is_an_enumeration_now(self, document, changed):
        subject = changed["components"]["schemas"]["NewOutboxMessage"]["properties"]["subject"]
        subject["enum"] = ["Hello"]

        assert list_breaking_changes(document, changed) == [
            f"POST {OUTBOX}: body.subject: is an enumeration now"
        ]

    @pytest.mark.parametrize(("bound", "value"), [("maximum", 10), ("minimum", 2)])
    def test_include_a_narrower_bound(self, document, changed, bound, value):
        find_parameter(changed, MESSAGES, "get", "limit")["schema"][bound] = value

        assert list_breaking_changes(document, changed) == [
            f"GET {MESSAGES}: limit: {bound} is now {value}"
        ]

    def test_include_another_media_type(self, document, changed):
        content = changed["paths"][OUTBOX]["post"]["requestBody"]["content"]
        content["application/xml"] = content.pop("application/json")

        assert f"POST {OUTBOX}: a body of application/json is no longer accepted" in (
            list_breaking_changes(document, changed)
        )

    def test_include_a_header_that_is_no_longer_sent(self, document, changed):
        del changed["paths"][EVENT]["get"]["responses"]["200"]["headers"]["ETag"]

        assert list_breaking_changes(document, changed) == [
            f"GET {EVENT}: 200 has no header ETag any more"
        ]

    def test_include_a_header_of_another_type(self, document, changed):
        document["components"]["headers"]["Retry-After"]["required"] = True
        changed["components"]["headers"]["Retry-After"]["schema"] = {"type": "string"}

        lines = list_breaking_changes(document, changed)
        assert f"GET {MESSAGES}: 429.Retry-After: type ['integer'] is now ['string']" in lines
        assert f"GET {MESSAGES}: 429.Retry-After: can be absent now" in lines

    def test_include_a_format_of_a_response(self, document, changed):
        members = changed["components"]["schemas"]["MessageSummary"]["properties"]
        members["id"] = {"type": "string"}
        members["date"]["format"] = "date"

        lines = list_breaking_changes(document, changed)
        assert f"GET {MESSAGES}: 200.data[].id: format is now None" in lines
        assert f"GET {MESSAGES}: 200.data[].date: format is now date" in lines

    def test_include_another_default(self, document, changed):
        find_parameter(changed, EVENT, "delete", "notify")["schema"]["default"] = "all"

        assert list_breaking_changes(document, changed) == [
            f"DELETE {EVENT}: notify: default is now all"
        ]

    def test_include_a_new_success(self, document, changed):
        responses = changed["paths"][EVENT]["get"]["responses"]
        responses["202"] = responses["200"]

        assert list_breaking_changes(document, changed) == [
            f"GET {EVENT}: 202 is a new success, which no client reads"
        ]

    def test_include_a_type_that_is_unknown_now(self, document, changed):
        schemas = changed["components"]["schemas"]
        schemas["MessageSummary"]["properties"]["size"] = {}

        assert f"GET {MESSAGES}: 200.data[].size: type ['integer'] is now any" in (
            list_breaking_changes(document, changed)
        )

    def test_include_a_client_that_is_no_longer_let_in(self, document, changed):
        changed["paths"]["/v1/delegations"]["get"]["x-client"] = False

        assert list_breaking_changes(document, changed) == [
            "GET /v1/delegations: the client's own token is no longer let in"
        ]

    def test_include_a_purpose_that_is_no_longer_let_in(self, document, changed):
        changed["paths"][MESSAGES]["get"]["x-purposes"] = []

        assert list_breaking_changes(document, changed) == [
            f"GET {MESSAGES}: tokens for inbox.display are no longer let in"
        ]


class TestHarmlessChanges:
    def test_are_new_operations_parameters_members_and_values(self, document, changed):
        changed["paths"]["/v1/ghosts"] = changed["paths"][MESSAGES]
        parameters = changed["paths"][MESSAGES]["get"]["parameters"]
        parameters.append({"in": "query", "name": "ghost", "schema": {"type": "string"}})
        schemas = changed["components"]["schemas"]
        schemas["MessageSummary"]["properties"]["ghost"] = {"type": "string"}
        schemas["MessageSummary"]["required"].append("ghost")
        schemas["NewOutboxMessage"]["properties"]["ghost"] = {"type": "string"}
        schemas["OutboxMessage"]["properties"]["state"]["enum"].append("ghost")
        find_parameter(changed, MESSAGES, "get", "folder")["schema"]["enum"].append("ghost")
        find_parameter(changed, MESSAGES, "get", "limit")["schema"]["maximum"] = 1000

        assert list_breaking_changes(document, changed) == []

    def test_are_refusals_that_no_longer_occur(self, document, changed):
        del changed["paths"][EVENT]["get"]["responses"]["503"]

        assert list_breaking_changes(document, changed) == []
