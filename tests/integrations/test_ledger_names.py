"""A person's own entries of the ledger, by the names of what is theirs."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from integrations.access import ledger_pseudonyms, permits
from limited_use.guard.guard import AccessRefused
from limited_use.ledger import entries, ledger_key_lifecycle, pseudonyms, subject_access
from limited_use.models import Leaf
from limited_use.policy.policy_vocabulary import DataClass
from tests.integrations.household import household

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(3)]
CLASSES = (DataClass.MAIL_METADATA,)


@pytest.fixture
def alice():
    alice = household()
    ledger_key_lifecycle.create_ledger_key(holder=alice.connection.id, at=alice.at)
    return alice


def own_of(person):
    found = ledger_pseudonyms.get_resource_pseudonyms(
        user_id=person.user.id, organisation_id=person.organisation.id
    )
    return subject_access.find_subject_entries(found), found


def show(actor, integration_id):
    permits.to_display(
        actor=actor, counts={integration_id: 1}, data_classes=CLASSES, at=timezone.now()
    )


class TestOwnEntries:
    def test_are_found_by_the_connections_names(self, alice):
        show(alice.actor, alice.integration.id)

        (entry,), found = own_of(alice)

        assert found[entry.subject] == alice.integration.id
        assert entry.subject.hex() == pseudonyms.get_pseudonym_naming(alice.connection.id)(
            alice.integration.id
        )
        assert entry.subject.hex() != entries.get_ledger_pseudonym(alice.integration.id)

    def test_are_those_of_the_service_on_ones_behalf_too(self, alice):
        permits.to_sync(integration_id=alice.integration.id, at=timezone.now())
        permits.to_use_access_token(connection_id=alice.connection.id, at=timezone.now())

        found, by_name = own_of(alice)

        assert len(found) == 3
        assert {one.actor_kind for one in found} == {"system"}
        assert {by_name[one.subject] for one in found} == {
            alice.integration.id,
            alice.connection.id,
        }

    @pytest.mark.scenario("X1")
    def test_show_their_owner_who_else_tried(self, alice):
        mallory = household()
        with suppress(AccessRefused):
            show(mallory.actor, alice.integration.id)

        (entry,), _ = own_of(alice)

        assert (entry.outcome, entry.actor_kind) == ("refused", "person")
        # And mallory's own has nothing to tell of what exists elsewhere.
        assert own_of(mallory)[0] == []

    def test_name_nobody_alike_in_two_connections(self, alice):
        other = household(who=(alice.user, alice.organisation, alice.membership))
        ledger_key_lifecycle.create_ledger_key(holder=other.connection.id, at=other.at)
        for one in (alice, other):
            show(alice.actor, one.integration.id)

        said = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.all()]
        said = [one for one in said if one["event"] == "use.permitted"]

        assert len({one["actor"] for one in said}) == len(said) == 2

    def test_stay_in_an_organisation(self, alice):
        show(alice.actor, alice.integration.id)
        elsewhere = household()

        assert (
            ledger_pseudonyms.get_resource_pseudonyms(
                user_id=alice.user.id, organisation_id=elsewhere.organisation.id
            )
            == {}
        )


class TestPseudonymPage:
    def test_asks_the_database_nothing_more_for_names(self, alice):
        bob = household()

        def queries(one):
            show(one.actor, one.integration.id)
            with CaptureQueriesContext(database) as counted:
                show(one.actor, one.integration.id)
            return len(counted)

        assert queries(alice) == queries(bob)
