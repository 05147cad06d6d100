"""Every operation of the OpenAPI document succeeds for somebody, and names what it refuses."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from schemathesis import Case

from tests.api.generated import callers
from tests.api.generated.callers import Caller
from tests.api.generated.known_requests import Request
from tests.api.generated.operations import OPERATIONS, describe_failure, list_failures

pytestmark = pytest.mark.django_db

NOBODY = Caller({})
# A person decides about these, or they are about a person's own file; features read.
NOT_FOR_FEATURES = frozenset(
    {
        "accept_file", "answer_event", "change_event", "create_calendar",
        "create_event", "delete_event", "discard_proposal", "end_share",
        "export_calendar", "get_outbox_message", "get_proposal", "import_calendar",
        "list_calendar_shares", "list_outbox", "list_proposals", "list_shares",
        "look_for_outbox_message", "move_event", "pause_file", "remove_calendar",
        "remove_outbox_message", "rename_calendar", "resume_file", "retry_file",
        "send_file_bytes", "send_message", "settle_outbox_message", "share_calendar",
        "undo_outbox_message",
    }
)  # fmt: skip
FOR_FEATURES = frozenset({"propose_draft"})
# About a client's own matters, for its own token.
FOR_CLIENTS = frozenset({"acknowledge_removal", "list_delegations", "list_removals"})


def make_case(described, operation_id: str, request: Request, **query: str) -> Case:
    body = {} if request.body is None else {"body": request.body}
    return described.find_operation_by_id(operation_id).Case(
        path_parameters=dict(request.path),
        query={**request.query, **query},
        headers=dict(request.headers),
        **body,
    )


def find_unsuccessful(described, known: Mapping[str, Request], caller: Caller) -> dict[str, str]:
    """Return the operations that do not answer 2xx as described, each with its answer."""
    found = {}
    for operation_id in OPERATIONS:
        case = make_case(described, operation_id, known[operation_id])
        answer = callers.send_case(case, caller)
        failures = list_failures(case, answer)
        if answer.status_code // 100 != 2 or failures:
            found[operation_id] = "\n".join([describe_failure(case, answer), *failures])
    return found


class TestEveryOperation:
    def test_has_a_known_request(self, known):
        assert sorted(known) == sorted(OPERATIONS)

    def test_succeeds_for_the_person(self, described, known, person):
        assert find_unsuccessful(described, known, person).keys() == FOR_FEATURES | FOR_CLIENTS

    def test_that_features_may_call_succeeds_with_a_token(self, described, known, features):
        missing = [set(find_unsuccessful(described, known, one)) for one in features]

        assert set.intersection(*missing) == NOT_FOR_FEATURES | FOR_CLIENTS

    def test_about_a_client_succeeds_with_its_own_token(self, described, known, own):
        refused = find_unsuccessful(described, known, own).keys()

        assert set(OPERATIONS) - refused == FOR_CLIENTS

    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_is_for_nobody_without_credentials(self, described, known, operation_id):
        case = make_case(described, operation_id, known[operation_id])

        answer = callers.send_case(case, NOBODY)

        assert answer.status_code == 401
        assert list_failures(case, answer) == []

    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_names_an_unknown_parameter(self, described, known, person, own, operation_id):
        case = make_case(described, operation_id, known[operation_id], no_such_parameter="1")

        answer = callers.send_case(case, callers.choose_caller(case, person=person, own=own))

        assert read_named(answer) == ["no_such_parameter"]

    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_names_an_unknown_member_of_its_body(self, described, known, person, own, operation_id):
        request = known[operation_id]
        case = make_case(described, operation_id, request)
        if not isinstance(request.body, dict):
            assert "application/json" not in case.operation.definition.raw.get(
                "requestBody", {}
            ).get("content", {})
            return
        case.body = {**request.body, "no_such_member": 1}

        answer = callers.send_case(case, callers.choose_caller(case, person=person, own=own))

        assert read_named(answer) == ["no_such_member"]


def read_named(answer) -> list[str]:
    assert answer.status_code == 400, answer.content
    return [one["parameter"] for one in answer.json()["errors"]]
