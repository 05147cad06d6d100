"""A delegation that a token is asked for: one statement finds it, and says whether it is live."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import api_tokens, client_usage
from accounts.api_tokens import DelegationProblem, NotDelegated
from accounts.models import (
    Delegation,
    Membership,
    Organisation,
    ServiceClient,
    ServiceToken,
    User,
    UserMinute,
)
from tests.accounts.cast import AT, post_form

pytestmark = pytest.mark.django_db
CHANGES = {
    "switched off": lambda: Delegation.objects.update(switched_off_at=AT),
    "left": lambda: Membership.objects.update(left_at=AT),
    "closed": lambda: Organisation.objects.update(closed_at=AT),
    "inactive": lambda: User.objects.update(is_active=False, deactivated_at=AT),
}


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def find_problem(client: ServiceClient, delegation_id) -> DelegationProblem | None:
    try:
        api_tokens.find_live_delegation(client=client, delegation_id=delegation_id, at=AT)
    except NotDelegated as refusal:
        return refusal.problem
    return None


class TestADelegation:
    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("changes", list(product([False, True], repeat=len(CHANGES))), ids=str)
    def test_is_live_unless_anything_that_it_rests_on_has_ended(self, widget, delegation, changes):
        """A feature that was switched off learns nothing else about the person."""
        made = dict(zip(CHANGES, changes, strict=True))
        for name, is_made in made.items():
            if is_made:
                CHANGES[name]()
        expected = (
            DelegationProblem.SWITCHED_OFF
            if made["switched off"]
            else DelegationProblem.PERSON_GONE
            if any(changes)
            else None
        )

        assert find_problem(widget, delegation.id) is expected

    def test_rests_on_the_membership_of_its_own_organisation(
        self, widget, delegation, alice, elsewhere
    ):
        Membership.objects.filter(user=alice).update(organisation=elsewhere)

        assert find_problem(widget, delegation.id) is DelegationProblem.PERSON_GONE

    def test_is_unknown_to_the_client_of_another_feature(self, widget, delegation):
        ServiceClient.objects.update(feature="scheduler")

        assert find_problem(widget, delegation.id) is DelegationProblem.UNKNOWN

    def test_that_nobody_gave_is_unknown(self, widget):
        assert find_problem(widget, uuid4()) is DelegationProblem.UNKNOWN

    def test_names_its_person_and_its_epoch(self, widget, delegation, alice):
        Delegation.objects.update(epoch=7)

        found = api_tokens.find_live_delegation(client=widget, delegation_id=delegation.id, at=AT)

        assert (found.id, found.user_id, found.epoch) == (delegation.id, alice.id, 7)

    @pytest.mark.parametrize(
        ("later", "is_counted"), [(0, True), (59 - AT.second, True), (60 - AT.second, False)]
    )
    def test_says_whether_its_person_was_counted_in_this_minute(
        self, widget, delegation, alice, later, is_counted
    ):
        client_usage.count_client_user(client=widget, user_id=alice.id, at=AT)

        found = api_tokens.find_live_delegation(
            client=widget, delegation_id=delegation.id, at=AT + timedelta(seconds=later)
        )

        assert found.is_counted is is_counted

    def test_is_not_counted_for_another_client_or_person(self, widget, delegation, mallory):
        client_usage.count_client_user(client=widget, user_id=mallory.id, at=AT)

        found = api_tokens.find_live_delegation(client=widget, delegation_id=delegation.id, at=AT)

        assert not found.is_counted


class TestARequestForAToken:
    def test_asks_for_client_and_delegation_once_each(self, asking):
        assert post_form(asking.form()).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            assert post_form(asking.form()).status_code == 200

        statements = [one["sql"] for one in captured]
        assert sum("find_delegation(" in one for one in statements) == 1
        assert sum("FROM accounts_serviceclient" in one for one in statements) == 1
        others = ("accounts_user", "accounts_membership", "accounts_delegation")
        assert not [one for one in statements if any(f'FROM "{name}' in one for name in others)]

    def test_counts_its_person_once_in_a_minute(self, asking, clock):
        for _ in range(3):
            assert post_form(asking.form()).status_code == 200
        assert UserMinute.objects.count() == 1

        clock.shift(timedelta(minutes=1))
        assert post_form(asking.form()).status_code == 200
        assert UserMinute.objects.count() == 2
        assert ServiceToken.objects.count() == 4
