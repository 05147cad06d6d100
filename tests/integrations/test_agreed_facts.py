"""What is found of integrations under several agreements at once: the same as under each alone."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.ids import uuid7
from integrations.access import facts
from limited_use.policy.policy_vocabulary import Fact
from tests.factories import actor_for, make_connection, make_consent, make_integration

pytestmark = pytest.mark.django_db
AGREEMENTS = (facts.CALENDAR_CONSENT, facts.LOCAL_CALENDAR_CONSENT, facts.SHARING_CONSENT)


@pytest.fixture
def connection():
    connection = make_connection()
    make_consent(connection, "calendar")
    return connection


@pytest.fixture
def integration(connection):
    return make_integration(connection, product="calendar", consent=False, cache_hours=6)


@pytest.fixture
def actor(connection):
    return actor_for(connection.user, connection.organisation)


class TestFactsOfSeveralAgreements:
    @pytest.mark.invariant(1)
    def test_are_those_of_each_agreement_alone(self, integration, actor):
        at, unknown = timezone.now(), uuid7()
        ids = [integration.id, unknown]

        with CaptureQueriesContext(database) as captured:
            found = facts.for_required_consents(dict.fromkeys(AGREEMENTS, ids), actor=actor, at=at)

        assert len(captured) == 1
        assert found == {
            (by, one): value
            for by in AGREEMENTS
            for one, value in facts.for_integrations(ids, actor=actor, at=at, consent=by).items()
        }
        agreed = {
            by for by in AGREEMENTS if Fact.CONSENT_CURRENT in found[by, integration.id].facts
        }
        assert agreed == {facts.CALENDAR_CONSENT}
        assert not found[facts.CALENDAR_CONSENT, unknown].facts

    def test_are_looked_for_only_under_the_agreement_that_names_an_integration(
        self, integration, actor
    ):
        at = timezone.now()
        wanted = {facts.CALENDAR_CONSENT: [integration.id], facts.SHARING_CONSENT: []}

        assert facts.for_required_consents(wanted, actor=actor, at=at).keys() == {
            (facts.CALENDAR_CONSENT, integration.id)
        }
        assert facts.for_required_consents({}, actor=actor, at=at) == {}

    def test_say_how_long_a_copy_may_be_shown(self, integration, actor):
        at = timezone.now()
        found = facts.for_required_consents(
            {facts.CALENDAR_CONSENT: [integration.id]}, actor=actor, at=at
        )

        own = found[facts.CALENDAR_CONSENT, integration.id]
        assert (own.product, own.cache_hours) == ("calendar", 6)
