"""Operations for the person alone refuse the tokens of all features, and say so."""

from __future__ import annotations

import orjson
import pytest

from integrations.urls.api.exception_handler import ONLY_FOR_PERSON
from integrations.urls.api.operation_access import ACCESS
from limited_use.models import Leaf
from tests.api.conftest import open_test_transaction
from tests.api.generated.operations import OPERATIONS
from tests.api.generated.test_known_requests import make_case

pytestmark = pytest.mark.django_db

PERSON_ONLY = tuple(
    name for name in OPERATIONS if ACCESS[name].is_for_person and not ACCESS[name].purposes
)


class TestTokensAtOperationsOfThePerson:
    @pytest.mark.parametrize("operation_id", PERSON_ONLY)
    def test_are_refused_and_no_purpose_is_named(self, described, known, features, operation_id):
        case = make_case(described, operation_id, known[operation_id])
        for feature in features:
            with open_test_transaction():
                answer = case.call(headers=feature.headers)
                problem = orjson.loads(answer.content)
                entry = Leaf.objects.get(id=problem["ledger_entry"])

            assert (answer.status_code, problem["code"]) == (403, "limited-use-refused")
            assert problem["detail"] == ONLY_FOR_PERSON
            assert orjson.loads(bytes(entry.payload))["event"] == "use.refused"

    def test_keep_other_texts_where_a_purpose_opens_the_operation(self, described, known, features):
        inbox = features[0]
        case = make_case(described, "list_events", known["list_events"])

        with open_test_transaction():
            answer = case.call(headers=inbox.headers)

        assert orjson.loads(answer.content)["detail"] == (
            "This token is for inbox.display; calendar.event needs calendar.schedule."
        )
