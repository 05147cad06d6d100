"""Delegations that a web process's login would make or revive, and the tokens for them."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
import time_machine
from django.db import ProgrammingError, transaction

from accounts import delegations, memberships, row_owner
from accounts.models import Delegation
from config.process_classes import ProcessClass
from tests.accounts.cast import AT, Asking, post_form
from tests.walls import acting_as

pytestmark = [pytest.mark.django_db, pytest.mark.control("4.1.1")]
ENDED = "The delegation has ended. If the person agrees again, there is a new one."
UNKNOWN = "No person gave this client a delegation with this id."


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(AT, tick=False) as traveller:
        yield traveller


def read_problem(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_description"]


def is_refused(write) -> bool:
    try:
        with transaction.atomic():
            write()
    except ProgrammingError as error:
        return isinstance(error.__cause__, psycopg.errors.InsufficientPrivilege)
    return False


def make_delegation(person, organisation, **values) -> Delegation:
    return Delegation.objects.create(
        user=person, organisation=organisation, feature="inbox-widget", feature_version=1,
        switched_on_at=AT, **values,
    )  # fmt: skip


class TestAWebLoginWithoutAPerson:
    @pytest.mark.invariant(5)
    def test_revives_no_feature_that_was_switched_off(self, asking, delegation, alice):
        delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)

        with acting_as(ProcessClass.WEB):
            assert Delegation.objects.update(switched_off_at=None) == 0
        assert read_problem(post_form(asking.form())) == (400, ENDED)

    @pytest.mark.invariant(5)
    def test_makes_none_that_the_person_never_allowed(self, widget, alice, antares):
        forged = Delegation(
            user=alice, organisation=antares, feature="inbox-widget", feature_version=1,
            switched_on_at=AT,
        )  # fmt: skip

        with acting_as(ProcessClass.WEB):
            assert is_refused(forged.save)
        assert read_problem(post_form(Asking(forged).form())) == (400, UNKNOWN)

    def test_sees_and_ends_none(self, asking, delegation):
        with acting_as(ProcessClass.WEB):
            assert not Delegation.objects.exists()
            assert Delegation.objects.update(switched_off_at=AT) == 0
        assert post_form(asking.form()).status_code == 200


class TestAWebLoginForAPerson:
    def test_revives_none_of_the_person(self, asking, delegation, alice, antares):
        """Switching on is a new row, with its own entry in the ledger."""
        with acting_as(ProcessClass.WEB), row_owner.acting_for(alice.id, antares.id):
            delegations.switch_delegation_off(delegation_id=delegation.id, user_id=alice.id, at=AT)
            assert Delegation.objects.update(switched_off_at=None) == 0
        assert read_problem(post_form(asking.form())) == (400, ENDED)

    def test_changes_no_feature_version_or_person_of_a_row(self, delegation, alice, antares):
        rows = Delegation.objects.filter(id=delegation.id)
        with acting_as(ProcessClass.WEB), row_owner.acting_for(alice.id, antares.id):
            for values in ({"feature": "scheduler"}, {"feature_version": 2}, {"user": alice}):
                assert is_refused(lambda values=values: rows.update(**values))

    def test_makes_and_ends_none_of_another_person_or_organisation(
        self, asking, alice, mallory, antares, elsewhere
    ):
        memberships.add_member(
            user_id=alice.id, organisation_id=elsewhere.id, at=AT - timedelta(days=1)
        )
        for person, organisation in ((mallory, elsewhere), (alice, elsewhere)):
            with acting_as(ProcessClass.WEB), row_owner.acting_for(person.id, organisation.id):
                assert is_refused(lambda: make_delegation(alice, antares, switched_off_at=AT))
                assert Delegation.objects.update(switched_off_at=AT) == 0
        assert post_form(asking.form()).status_code == 200
