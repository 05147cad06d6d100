"""
A token shows only what its purpose covers: every operation, with a token of every purpose.

A new operation has to say in `OUTCOMES` what each purpose gets from it.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from integrations.access import client_purposes
from integrations.urls.api.exception_handler import ONLY_FOR_PERSON
from integrations.urls.api.operation_access import ACCESS
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_evaluation import ALL_ELSE_TEXT, can_use_be_allowed
from limited_use.policy.policy_vocabulary import Recipient
from tests.api.generated import callers
from tests.api.generated.operations import PERSON_OPERATIONS
from tests.api.generated.test_known_requests import make_case

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1, 11), pytest.mark.clause("LU-1")]

#: In the order of the fixture `features`.
PURPOSES = ("inbox.display", "draft.propose", "calendar.schedule", "drive.upload")

SERVED = "answered, with the data of its purpose"
OTHER_PURPOSE = "refused: the token is for another purpose, and the answer names the right one"
OWNER_ALONE = "refused: the person alone does this"
NEVER_SENDS = "refused: no feature sends, or reads what the person sends"
HIDDEN = "not found: not the feature's"

_MAIL = (SERVED, OTHER_PURPOSE, OTHER_PURPOSE, OTHER_PURPOSE)
_PROPOSE = (OTHER_PURPOSE, SERVED, OTHER_PURPOSE, OTHER_PURPOSE)
_CALENDAR = (OTHER_PURPOSE, OTHER_PURPOSE, SERVED, OTHER_PURPOSE)
_OWNER = (OWNER_ALONE,) * 4
_FILE = (OTHER_PURPOSE, OTHER_PURPOSE, OTHER_PURPOSE, SERVED)
_FILE_HIDDEN = (OTHER_PURPOSE, OTHER_PURPOSE, OTHER_PURPOSE, HIDDEN)

OUTCOMES: dict[str, tuple[str, ...]] = {
    "list_connections": (SERVED,) * 4,
    "get_connection": (SERVED,) * 4,
    **dict.fromkeys(
        ("list_messages", "get_message", "get_attachment", "list_threads", "get_thread"), _MAIL
    ),
    "propose_draft": _PROPOSE,
    **dict.fromkeys(
        (
            "list_proposals", "get_proposal", "discard_proposal", "list_outbox", "send_message",
            "get_outbox_message", "remove_outbox_message", "undo_outbox_message",
            "look_for_outbox_message", "settle_outbox_message",
        ),
        (NEVER_SENDS,) * 4,
    ),
    **dict.fromkeys(
        (
            "list_calendars", "get_calendar", "list_events", "get_event", "get_free_busy",
            "find_availability",
        ),
        _CALENDAR,
    ),
    **dict.fromkeys(
        (
            "create_event", "change_event", "delete_event", "move_event", "answer_event",
            "create_calendar", "rename_calendar", "remove_calendar", "import_calendar",
            "export_calendar", "list_calendar_shares", "share_calendar", "list_shares",
            "end_share", "accept_file", "pause_file", "resume_file", "retry_file",
        ),
        _OWNER,
    ),
    **dict.fromkeys(
        ("list_files", "create_file", "get_file", "remove_file", "cancel_file"), _FILE
    ),
    # The known request is for a file of the person's own.
    "send_file_bytes": _FILE_HIDDEN,
}  # fmt: skip

#: What a feature reads differs from what the person reads in these members: a feature's files have
#: no place in the Drive.
HIDDEN_MEMBERS = {"folder", "remote_url", "standing_consent"}

EXPECTED_PRODUCTS = {
    "inbox.display": {"mail"},
    "draft.propose": {"mail"},
    "calendar.schedule": {"calendar"},
    "drive.upload": {"drive"},
}
SYNC_MEMBERS = {
    "stage", "done_count", "expected_count", "set_aside_count", "delayed_count", "pause_reason",
    "last_synced_at", "next_sync_at", "check_interval_seconds", "check_interval_reason",
    "failing_since", "last_event_at", "watch_expires_at",
}  # fmt: skip


def call(described, known, operation_id: str, caller, **path: str):
    case = make_case(described, operation_id, known[operation_id])
    case.path_parameters.update(path)
    return callers.send_case(case, caller)


@pytest.fixture(params=PURPOSES)
def purpose(request) -> str:
    return request.param


@pytest.fixture
def feature(features, purpose):
    """A caller with a token of the purpose."""
    return features[PURPOSES.index(purpose)]


class TestTable:
    def test_states_every_operation(self):
        assert sorted(OUTCOMES) == sorted(PERSON_OPERATIONS)

    @pytest.mark.parametrize("operation_id", OUTCOMES)
    def test_agrees_with_the_purposes_of_the_document(self, operation_id):
        served = {
            purpose
            for purpose, outcome in zip(PURPOSES, OUTCOMES[operation_id], strict=True)
            if outcome == SERVED
        }
        if operation_id == "send_file_bytes":
            # For a file of the feature's own.
            served = {"drive.upload"}

        assert served == set(ACCESS[operation_id].purposes)

    def test_has_every_purpose_of_a_platform_feature(self):
        declared = {
            purpose
            for feature in FEATURES.values()
            if feature.platform_client
            for purpose in feature.purposes
        }

        assert declared == set(PURPOSES)
        assert all(can_use_be_allowed(one, Recipient.PLATFORM_FEATURE) for one in PURPOSES)


class TestEveryOperation:
    @pytest.mark.parametrize("operation_id", OUTCOMES)
    def test_answers_a_feature_as_the_table_says(
        self, described, known, feature, purpose, operation_id
    ):
        outcome = OUTCOMES[operation_id][PURPOSES.index(purpose)]

        answer = call(described, known, operation_id, feature)

        body = answer.json() if "json" in answer.headers["content-type"][0] else {}
        if outcome == SERVED:
            assert answer.status_code // 100 == 2, answer.content
        elif outcome == HIDDEN:
            assert (answer.status_code, body["code"]) == (404, "not-found")
        else:
            assert (answer.status_code, body["code"]) == (403, "limited-use-refused")
            assert body["clauses"]
            assert body["ledger_entry"]
            check_cause(outcome, purpose, body)

    @pytest.mark.parametrize("operation_id", ["list_messages", "get_message", "list_threads"])
    def test_of_mail_shows_the_widget_what_its_owner_sees(
        self, described, known, features, person, operation_id
    ):
        theirs, own = (
            call(described, known, operation_id, caller) for caller in (features[0], person)
        )

        assert drop_request_id(theirs.json()) == drop_request_id(own.json())

    @pytest.mark.parametrize("operation_id", ["list_calendars", "list_events", "get_event"])
    def test_of_calendars_shows_the_scheduler_what_its_owner_sees(
        self, described, known, features, person, operation_id
    ):
        """Its owner has no calendar of a colleague, which a feature would not see."""
        theirs, own = (
            call(described, known, operation_id, caller) for caller in (features[2], person)
        )

        assert drop_request_id(theirs.json()) == drop_request_id(own.json())

    def test_of_files_shows_the_feature_its_own_without_their_place(
        self, world, described, known, features, person
    ):
        theirs, own = (
            call(described, known, "list_files", caller).json()["data"]
            for caller in (features[3], person)
        )

        by_id = {one["id"]: one for one in own}
        assert world.ids["proposed"] in {one["id"] for one in theirs} < by_id.keys()
        for file in theirs:
            same = by_id[file["id"]]
            assert same["proposed_by"] == "recordings"
            differing = {name for name in same if file.get(name) != same[name]}
            assert differing <= HIDDEN_MEMBERS


def check_cause(outcome: str, purpose: str, body: dict[str, Any]) -> None:
    detail = body["detail"]
    assert ALL_ELSE_TEXT not in detail
    if outcome == OTHER_PURPOSE:
        sentence = detail.rpartition("This token is for ")[2]
        assert sentence.startswith(f"{purpose}; ")
        needed = sentence.removesuffix(".").rpartition(" needs ")[2]
        assert needed in set(PURPOSES) - {purpose}
    elif outcome == OWNER_ALONE:
        assert detail == ONLY_FOR_PERSON
    else:
        assert outcome == NEVER_SENDS
        assert body["rule"] == "features-never-send"


def drop_request_id(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "request_id"}


class TestConnections:
    @pytest.fixture
    def connections(self, described, known, feature) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = call(described, known, "list_connections", feature).json()[
            "data"
        ]
        return data

    def test_of_a_feature_have_one_product_and_nothing_of_the_account(self, connections, purpose):
        assert connections
        for connection in connections:
            products = {one["product"] for one in connection["integrations"]}
            assert products == EXPECTED_PRODUCTS[purpose]
            hidden = {
                name: connection[name]
                for name in ("email", "granted_scopes", "missing_scopes", "created_at",
                             "reconnect_before")
            }  # fmt: skip
            assert hidden == {
                "email": None,
                "granted_scopes": [],
                "missing_scopes": [],
                "created_at": None,
                "reconnect_before": None,
            }

    @pytest.mark.parametrize(
        ("purpose", "capabilities"),
        [
            ("inbox.display", {"mail.read"}),
            ("draft.propose", set()),
            ("calendar.schedule", {"calendar.read"}),
            ("drive.upload", set()),
        ],
    )
    def test_of_a_feature_have_capabilities_that_it_declares(
        self, described, known, features, purpose, capabilities
    ):
        feature = features[PURPOSES.index(purpose)]
        data = call(described, known, "list_connections", feature).json()["data"]

        found = set(itertools.chain.from_iterable(one["capabilities"] for one in data))
        assert found == capabilities

    def test_of_a_feature_have_progress_only_where_it_reads(self, connections, purpose):
        integrations = [one for connection in connections for one in connection["integrations"]]
        synced = [one for one in integrations if one["sync"] is not None]

        # An Antares calendar and a Drive have no sync.
        assert bool(synced) is (purpose in {"inbox.display", "calendar.schedule"})
        assert all(one["sync"].keys() == SYNC_MEMBERS for one in synced)
        if purpose == "draft.propose":
            assert [(one["status_reason"], one["horizon_days"]) for one in integrations] == [
                ("", None)
            ]

    def test_that_are_of_another_product_are_not_there(
        self, world, described, known, features, person
    ):
        """Alice's Antares calendars are a connection of their own."""
        everything = call(described, known, "list_connections", person).json()["data"]
        [local] = [one for one in everything if one["provider"] == "offline"]

        for feature, purpose in zip(features, PURPOSES, strict=True):
            listed = call(described, known, "list_connections", feature).json()["data"]
            single = call(described, known, "get_connection", feature, connection_id=local["id"])

            is_covered = purpose == "calendar.schedule"
            assert (local["id"] in {one["id"] for one in listed}) is is_covered
            assert single.status_code == (200 if is_covered else 404)

    def test_name_no_integration_of_another_product(self, world, described, known, feature, person):
        everything = call(described, known, "get_connection", person)
        single = call(described, known, "get_connection", feature)

        own = {one["id"]: one["product"] for one in everything.json()["integrations"]}
        shown = {one["id"]: one["product"] for one in single.json()["integrations"]}
        assert len(own) == 3
        assert len(shown) == 1
        for other in own.keys() - shown.keys():
            assert other.encode() not in single.content

    def test_of_the_person_have_all(self, described, known, person):
        connection = call(described, known, "get_connection", person).json()

        assert {one["product"] for one in connection["integrations"]} == {
            "mail", "calendar", "drive",
        }  # fmt: skip
        assert connection["email"]
        assert connection["granted_scopes"]
        assert connection["created_at"]


class TestCoveredProducts:
    @pytest.mark.parametrize("key", [one.key for one in FEATURES.values() if one.platform_client])
    @pytest.mark.parametrize("purpose", [*PURPOSES, "marketing", "no.such.purpose", ""])
    def test_are_those_of_a_purpose_that_the_feature_declares(self, key, purpose):
        actor = callers.make_client_actor(feature=key, purpose=purpose)

        covered = client_purposes.list_covered_products(actor)
        read = client_purposes.list_read_products(actor)

        is_declared = FEATURES[key].declares_use(purpose)
        assert covered == (EXPECTED_PRODUCTS[purpose] if is_declared else set())
        assert read == (set() if purpose == "draft.propose" else covered)
