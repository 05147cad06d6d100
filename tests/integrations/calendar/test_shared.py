"""What a share lets somebody else see: looked up each time, and ended by more than its owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from django.db import transaction

from accounts import memberships
from accounts.actors import Actor, ActorKind
from accounts.models import Membership
from integrations.access import calendar_permits
from integrations.access.calendar_permits import CalendarViewRequest
from integrations.access.request_context import RequestContext
from integrations.calendar import agenda, cache_settings, calendar_access
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import PurgeTrigger
from limited_use.agreements import consents, shares
from limited_use.guard.guard import AccessRefused
from limited_use.models import Share
from limited_use.models.shares import ShareLevel
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Fact
from limited_use.vault.envelope import Unopenable
from tests.integrations.calendar.conftest import NOW
from tests.integrations.calendar_house import BOTH, meeting, moment
from tests.integrations.household import person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.invariant(1),
    pytest.mark.clause("AN-8"),
    pytest.mark.clause("LU-2.1"),
]
FREEBUSY = (DataClass.CALENDAR_FREEBUSY,)


def actor_of(user, organisation, membership) -> Actor:
    return Actor(
        kind=ActorKind.PERSON,
        id=user.id,
        user_id=user.id,
        organisation_id=organisation.id,
        membership_id=membership.id,
        membership_epoch=membership.epoch,
    )


@pytest.fixture(autouse=True)
def synced(alice, account):
    account.put(meeting(moment(3), "Review"))
    account.put(meeting(moment(4), "Doctor", is_private=True))
    alice.sync()


@pytest.fixture
def bob(alice):
    return actor_of(*person("bob", alice.organisation, at=NOW))


@pytest.fixture
def share(alice, bob):
    return give_share(alice, bob)


def give_share(alice, bob, level=ShareLevel.DETAILS, **more) -> Share:
    with transaction.atomic():
        consents.give(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            feature="calendar-sharing",
            version=FEATURES["calendar-sharing"].version,
            at=NOW,
        )
        return shares.give(
            person_id=alice.user.id,
            organisation_id=alice.organisation.id,
            viewer_id=bob.user_id,
            item=alice.primary.id,
            level=level,
            at=NOW,
            **more,
        )


def seen_by(bob, *, at=NOW) -> list[dict]:
    asked = RequestContext(bob, bob.user_id, at)
    inside = agenda.build_window(NOW, NOW + timedelta(days=7), zone="UTC")
    return orjson.loads(agenda.get_event_page_json(asked, inside, limit=50, envelope={}))["data"]


class TestAShare:
    @pytest.mark.claim("feature.sharing")
    def test_shows_what_is_in_it_beside_what_is_private(self, bob, share):
        review, doctor = seen_by(bob)

        assert (review["title"], review["read_only"]) == ("Review", True)
        # Private events only ever show as busy.
        assert (doctor["title"], doctor["busy"], doctor["participants"]) == (None, True, None)

    @pytest.mark.claim("feature.sharing")
    def test_of_free_and_busy_shows_nothing_more(self, alice, bob):
        give_share(alice, bob, ShareLevel.FREEBUSY)

        assert [(one["title"], one["busy"]) for one in seen_by(bob)] == [(None, True)] * 2

    def test_of_free_and_busy_is_refused_to_whoever_wants_more(self, alice, bob):
        share = give_share(alice, bob, ShareLevel.FREEBUSY)

        with pytest.raises(AccessRefused) as refused:
            calendar_permits.to_view(
                actor=bob,
                view_requests=[CalendarViewRequest(alice.primary, BOTH, share=share)],
                at=NOW,
            )

        assert refused.value.decision.missing == {Fact.SHARE_LIVE}

    @pytest.mark.claim("mail.nothing-lost")
    def test_shows_nothing_after_the_grant_has_ended(self, alice, bob, share):
        connection = alice.integration.connection
        assert seen_by(bob)

        assert provider_credentials.record_grant_ended(
            connection_id=connection.id, epoch=connection.epoch, at=NOW
        )

        assert seen_by(bob) == []
        # The list leaves it out, and the guard refuses it where it is not left out.
        with pytest.raises(AccessRefused) as refused:
            calendar_permits.to_view(
                actor=bob,
                view_requests=[CalendarViewRequest(alice.primary, BOTH, share=share)],
                at=NOW,
            )
        assert Fact.GRANT_LIVE in refused.value.decision.missing

    def test_is_needed(self, alice, bob):
        assert seen_by(bob) == []
        with pytest.raises(AccessRefused) as refused:
            calendar_permits.to_view(
                actor=bob, view_requests=[CalendarViewRequest(alice.primary, BOTH)], at=NOW
            )
        assert refused.value.missing == ["actor_owns"]

    @pytest.mark.claim("feature.sharing", "feature.calendar-only-you")
    def test_is_nobody_elses(self, alice, share):
        mallory = actor_of(*person("mallory", alice.organisation, at=NOW))

        assert seen_by(mallory) == []
        with pytest.raises(AccessRefused):
            calendar_permits.to_view(
                actor=mallory,
                view_requests=[CalendarViewRequest(alice.primary, BOTH, share=share)],
                at=NOW,
            )

    @pytest.mark.claim("feature.sharing")
    def test_ends_at_its_end(self, alice, bob):
        give_share(alice, bob, expires_at=NOW + timedelta(hours=1))

        assert len(seen_by(bob)) == 2
        assert seen_by(bob, at=NOW + timedelta(hours=1)) == []

    @pytest.mark.claim("sharing.over")
    @pytest.mark.claim("feature.sharing")
    @pytest.mark.invariant(5)
    def test_taken_back_between_decision_and_opening_opens_nothing(self, alice, bob, share):
        asked = RequestContext(bob, bob.user_id, NOW)
        inside = agenda.build_window(NOW, NOW + timedelta(days=7), zone="UTC")
        held = agenda.read_window(asked, inside)

        with transaction.atomic():
            shares.withdraw(person_id=alice.user.id, share_id=share.id, at=NOW)

        with pytest.raises(Unopenable):
            agenda.sink.calendar_json(held.rows, permits=held.permits, viewer=bob, make=len, at=NOW)
        assert seen_by(bob) == []

    @pytest.mark.invariant(5)
    @pytest.mark.parametrize("who", ["owner", "viewer"])
    def test_ends_with_either_of_the_two_leaving(self, alice, bob, share, who):
        user_id = alice.user.id if who == "owner" else bob.user_id
        members = Membership.objects.filter(user_id=user_id, organisation=alice.organisation)
        asked = RequestContext(bob, bob.user_id, NOW)
        held = agenda.read_window(
            asked, agenda.build_window(NOW, NOW + timedelta(days=7), zone="UTC")
        )

        with transaction.atomic():
            memberships.end_memberships(members, at=NOW)

        with pytest.raises(Unopenable):
            agenda.sink.calendar_json(held.rows, permits=held.permits, viewer=bob, make=len, at=NOW)
        with pytest.raises(AccessRefused):
            calendar_permits.to_view(
                actor=bob,
                view_requests=[CalendarViewRequest(alice.primary, BOTH, share=share)],
                at=NOW,
            )

    def test_does_not_come_back_with_who_comes_back(self, alice, bob, share):
        former = Membership.objects.get(user_id=bob.user_id)
        Membership.objects.filter(id=former.id).update(left_at=NOW, epoch=2)
        again = Membership.objects.create(
            user_id=bob.user_id, organisation=alice.organisation, joined_at=NOW
        )
        returned = replace(bob, membership_id=again.id, membership_epoch=again.epoch)

        assert calendar_access.get_shared_calendars(actor=returned, at=NOW) == []
        with pytest.raises(AccessRefused):
            calendar_permits.to_view(
                actor=returned,
                view_requests=[CalendarViewRequest(alice.primary, BOTH, share=share)],
                at=NOW,
            )

    @pytest.mark.claim("feature.sharing", "disconnect.removes")
    @pytest.mark.invariant(5)
    def test_ends_when_the_calendar_is_disconnected(self, alice, bob, share):
        with transaction.atomic():
            automatic_disconnect.disconnect_in_transaction(
                integration=alice.integration, trigger=PurgeTrigger.OWNER, at=NOW
            )

        share.refresh_from_db()
        assert share.withdrawn_at is not None
        assert seen_by(bob) == []

    # What a colleague saw is no copy of theirs.
    @pytest.mark.claim("erase.shares", "feature.sharing")
    def test_shows_nothing_of_a_copy_that_its_owner_deleted(self, alice, bob, share):
        assert len(seen_by(bob)) == 2

        cache_settings.delete_copies(actor=alice.actor, integration_id=alice.integration.id, at=NOW)
        assert seen_by(bob) == []

        cache_settings.request_copies(
            actor=alice.actor, integration_id=alice.integration.id, at=NOW
        )
        alice.sync()
        assert len(seen_by(bob)) == 2

    @pytest.mark.claim("calendar.shared-too-old")
    def test_shows_no_copy_that_is_too_old(self, bob, share):
        assert seen_by(bob, at=NOW + timedelta(hours=25)) == []
