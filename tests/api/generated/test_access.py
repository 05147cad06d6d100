"""Each operation lets in those that the document names, and opens the data that it names."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from integrations.urls.api import operation_access
from limited_use.models import Leaf
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Purpose
from tests.api import schema
from tests.api.conftest import open_test_transaction
from tests.api.generated.callers import Caller
from tests.api.generated.operations import OPERATIONS
from tests.api.generated.test_known_requests import make_case

pytestmark = pytest.mark.django_db

PERSON = "the person"
CLIENT = "the client"
#: It deletes rows and keys, and opens none.
WITHOUT_PERMIT = {"remove_calendar"}


@pytest.fixture(scope="module")
def callers_by_purpose(person, features, own, world) -> dict[str, Caller]:
    """Return the person, a client with its own token, and a feature for each purpose."""
    inbox, proposals, scheduler, files = features
    return {
        PERSON: person,
        CLIENT: own,
        Purpose.INBOX_DISPLAY: inbox,
        Purpose.DRAFT_PROPOSE: proposals,
        Purpose.CALENDAR_SCHEDULE: scheduler,
        Purpose.DRIVE_UPLOAD: files,
    }


def make_request(known, world, operation_id, name):
    request = known[operation_id]
    if operation_id == "send_file_bytes" and name != PERSON:
        # A feature sends its own files.
        return replace(request, path={**request.path, "file_id": world.ids["accepted"]})
    return request


def read_operation(operation_id):
    [operation] = [
        operation
        for methods in schema.read_strict_document()["paths"].values()
        for operation in methods.values()
        if operation["operationId"] == operation_id
    ]
    return operation


class TestAccess:
    def test_is_tried_with_every_purpose_of_a_token(self, callers_by_purpose):
        """A new purpose needs a caller above."""
        purposes = {
            purpose
            for feature in FEATURES.values()
            if feature.platform_client
            for purpose in feature.purposes
        }

        assert purposes == callers_by_purpose.keys() - {PERSON, CLIENT}
        assert purposes == set(operation_access.TOKEN_PURPOSES)

    @pytest.mark.invariant(1)
    @pytest.mark.parametrize("operation_id", OPERATIONS)
    def test_is_what_the_document_says(
        self, described, known, world, callers_by_purpose, operation_id
    ):
        operation = read_operation(operation_id)
        says = {
            *operation["x-purposes"],
            *([PERSON] if operation["x-person"] else []),
            *([CLIENT] if operation["x-client"] else []),
        }
        let_in, classes = set(), set()
        for name, caller in callers_by_purpose.items():
            case = make_case(
                described, operation_id, make_request(known, world, operation_id, name)
            )
            with open_test_transaction():
                before = set(Leaf.objects.values_list("id", flat=True))
                answer = case.call(headers=caller.headers, cookies=caller.cookies)
                classes |= read_permitted_classes(Leaf.objects.exclude(id__in=before))
            if answer.status_code < 300:
                let_in.add(name)
            else:
                assert answer.status_code in {401, 403, 404}, (name, answer.content)

        assert let_in == says
        if operation_id not in WITHOUT_PERMIT:
            assert classes == set(operation["x-data-classes"])


def read_permitted_classes(leaves) -> set[str]:
    """Return the classes of data of the permitted uses; tokens of the provider are not among it."""
    entries = [orjson.loads(bytes(leaf.payload)) for leaf in leaves]
    return {entry["class"] for entry in entries if entry["event"] == "use.permitted"} - {
        DataClass.CREDENTIAL
    }
