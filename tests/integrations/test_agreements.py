"""What follows from agreeing and withdrawing, in the same commit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.delegations import DelegationExists, DelegationNotLive
from accounts.ids import uuid7
from accounts.models import Delegation
from integrations import connections
from integrations.access import permits
from integrations.connections import NoEarlierConsent, automatic_disconnect
from integrations.models import (
    Integration,
    IntegrationStatus,
    PurgeJob,
    PurgeTrigger,
    SyncWork,
)
from integrations.purge import receipt
from limited_use.agreements import consents
from limited_use.agreements.consents import DeclarationOutdated
from limited_use.guard.guard import AccessRefused
from limited_use.models import Consent, DataKey, Leaf
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass
from tests.broker import record_messages, sync_message
from tests.factories import (
    actor_for,
    make_connection,
    make_integration,
    make_organisation,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def acme():
    return make_organisation("acme")


@pytest.fixture
def alice(acme):
    return make_user("alice", organisation=acme)


@pytest.fixture
def mailbox(alice, acme):
    return make_integration(make_connection(alice, acme))


@pytest.fixture(autouse=True)
def queued(monkeypatch):
    """Return the messages to workers; none is sent."""
    return record_messages(monkeypatch)


def make_owner_values(user, organisation):
    return {"user_id": user.id, "organisation_id": organisation.id, "at": timezone.now()}


@transaction.atomic
def give_consent(person, organisation, *, feature, at, item=None):
    """Agree to a feature for an hour."""
    return consents.give(
        person_id=person.id,
        organisation_id=organisation.id,
        feature=feature,
        version=FEATURES[feature].version,
        item=item,
        at=at,
        expires_at=at + timedelta(hours=1),
    )


def list_ledger_events(prefix):
    said = [json.loads(bytes(leaf.payload))["event"] for leaf in Leaf.objects.order_by("id")]
    return [event for event in said if event.startswith(prefix)]


def reword(monkeypatch, key):
    """Have `key` say something else from now on."""
    monkeypatch.setitem(FEATURES, key, replace(FEATURES[key], version=FEATURES[key].version + 1))


class TestWithdrawingTheInbox:
    @pytest.mark.invariant(5)
    @pytest.mark.clause("LU-1")
    @pytest.mark.clause("AN-2")
    @pytest.mark.clause("AN-21")
    def test_disconnects_every_mailbox_in_the_same_commit(self, alice, acme, mailbox):
        second = make_integration(make_connection(alice, acme))

        jobs = connections.withdraw_consent(feature="inbox", **make_owner_values(alice, acme))

        assert {job.integration_id for job in jobs} == {mailbox.id, second.id}
        assert {job.trigger for job in jobs} == {PurgeTrigger.CONSENT_WITHDRAWN}
        assert not Integration.objects.live().exists()
        assert not DataKey.objects.filter(holder__in=[mailbox.id, second.id]).exists()
        assert Consent.objects.get().withdrawn_at is not None
        assert list_ledger_events("consent.") == ["consent.given", "consent.withdrawn"]

    def test_says_in_the_receipt_who_wanted_it(self, alice, acme, mailbox):
        (job,) = connections.withdraw_consent(feature="inbox", **make_owner_values(alice, acme))

        assert job.trigger == "consent_withdrawn"
        assert "owner withdrew the agreement" in receipt.TRIGGER_REASONS[job.trigger]

    def test_leaves_what_is_another_persons_or_in_another_organisation(self, alice, acme, mailbox):
        bob = make_user("bob", organisation=acme)
        theirs = make_integration(make_connection(bob, acme))

        connections.withdraw_consent(feature="inbox", **make_owner_values(alice, acme))

        assert list(Integration.objects.live()) == [theirs]
        assert Consent.objects.get(owner_id=bob.id).withdrawn_at is None

    def test_does_nothing_a_second_time(self, alice, acme, mailbox):
        connections.withdraw_consent(feature="inbox", **make_owner_values(alice, acme))

        assert connections.withdraw_consent(feature="inbox", **make_owner_values(alice, acme)) == []
        assert PurgeJob.objects.count() == 1

    def test_ends_what_a_connect_brings_in_meanwhile(self, alice, acme, mailbox):
        connections.withdraw_consent(feature="inbox", **make_owner_values(alice, acme))
        again = make_integration(make_connection(alice, acme))

        assert again.status == IntegrationStatus.ACTIVE
        assert Consent.objects.filter(withdrawn_at=None).count() == 1


@pytest.mark.clause("MS-COPY")
@pytest.mark.clause("AN-21")
class TestACopyThatNobodyAgreesTo:
    def test_is_found_and_removed(self, alice, acme, mailbox):
        with transaction.atomic():
            consents.withdraw(
                person_id=alice.id, organisation_id=acme.id, feature="inbox", at=timezone.now()
            )

        automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert PurgeJob.objects.get().trigger == PurgeTrigger.CONSENT_WITHDRAWN

    def test_is_one_whose_agreement_is_over(self, alice, acme, mailbox):
        at = timezone.now()
        give_consent(alice, acme, feature="inbox", at=at)

        automatic_disconnect.disconnect_due_integrations(at=at)
        assert not PurgeJob.objects.exists()
        automatic_disconnect.disconnect_due_integrations(at=at + timedelta(hours=1))
        assert PurgeJob.objects.get().integration_id == mailbox.id

    def test_is_not_one_whose_words_have_changed(self, alice, acme, mailbox, monkeypatch):
        reword(monkeypatch, "inbox")

        automatic_disconnect.disconnect_due_integrations(at=timezone.now())

        assert not PurgeJob.objects.exists()


class TestWordsThatChanged:
    @pytest.mark.clause("LU-2.1")
    @pytest.mark.clause("AN-1")
    def test_stop_every_use_until_they_are_agreed_to(self, alice, acme, mailbox, monkeypatch):
        reword(monkeypatch, "inbox")
        show = {
            "actor": actor_for(alice, acme),
            "counts": {mailbox.id: 1},
            "data_classes": [DataClass.MAIL_METADATA],
            "at": timezone.now(),
        }
        with pytest.raises(AccessRefused):
            permits.to_display(**show)
        with pytest.raises(AccessRefused):
            permits.to_sync(integration_id=mailbox.id, at=timezone.now())

        connections.renew_consent(
            feature="inbox", version=FEATURES["inbox"].version, **make_owner_values(alice, acme)
        )

        assert permits.to_display(**show)
        assert permits.to_sync(integration_id=mailbox.id, at=timezone.now())

    def test_have_waiting_work_go_on_at_once(self, alice, acme, mailbox, monkeypatch, queued):
        SyncWork.objects.update(next_sync_at=timezone.now() + timedelta(hours=1))
        reword(monkeypatch, "inbox")

        version = FEATURES["inbox"].version
        connections.renew_consent(
            feature="inbox", version=version, **make_owner_values(alice, acme)
        )

        work = SyncWork.objects.get()
        assert work.next_sync_at <= timezone.now()
        assert queued == [sync_message(work)]
        assert list_ledger_events("consent.") == [
            "consent.given",
            "consent.replaced",
            "consent.given",
        ]

    def test_are_agreed_to_as_they_are_now_and_not_otherwise(self, alice, acme, mailbox):
        with pytest.raises(DeclarationOutdated):
            connections.renew_consent(feature="inbox", version=9, **make_owner_values(alice, acme))

    def test_are_nothing_to_who_never_agreed(self, alice, acme):
        version = FEATURES["inbox"].version
        with pytest.raises(NoEarlierConsent):
            connections.renew_consent(
                feature="inbox", version=version, **make_owner_values(alice, acme)
            )
        assert not Consent.objects.exists()


def switch_on(alice, acme, *, version=None, feature="inbox-widget"):
    version = version or FEATURES[feature].version
    return connections.switch_on_feature(
        feature=feature, version=version, **make_owner_values(alice, acme)
    )


class TestAPlatformFeature:
    @pytest.mark.clause("LU-2.1")
    @pytest.mark.invariant(3)
    def test_is_switched_on_and_off_on_record(self, alice, acme):
        delegation = switch_on(alice, acme)

        connections.switch_off_feature(
            delegation_id=delegation.id,
            user_id=alice.id,
            organisation_id=delegation.organisation_id,
            at=timezone.now(),
        )

        assert not Delegation.objects.live().exists()
        assert list_ledger_events("delegation.") == [
            "delegation.switched_on",
            "delegation.switched_off",
        ]

    def test_is_not_switched_on_twice(self, alice, acme):
        switch_on(alice, acme)

        with pytest.raises(DelegationExists):
            switch_on(alice, acme)
        assert list_ledger_events("delegation.") == ["delegation.switched_on"]

    @pytest.mark.clause("AN-1")
    def test_is_agreed_to_again_as_a_new_one_when_its_words_change(self, alice, acme, monkeypatch):
        before = switch_on(alice, acme)
        reword(monkeypatch, "inbox-widget")

        after = switch_on(alice, acme)

        before.refresh_from_db()
        assert before.switched_off_at is not None
        assert (after.feature_version, after.switched_off_at) == (2, None)

    @pytest.mark.parametrize(
        ("feature", "version"),
        [("inbox-widget", 9), ("campaigns", 1), ("inbox", 1), ("support", 1)],
    )
    def test_is_switched_on_only_under_its_own_present_words(self, alice, acme, feature, version):
        with pytest.raises(DeclarationOutdated):
            switch_on(alice, acme, feature=feature, version=version)
        assert not Delegation.objects.exists()

    def test_is_switched_off_by_its_owner_only(self, alice, acme):
        delegation = switch_on(alice, acme)
        bob = make_user("bob", organisation=acme)

        for user, organisation, error in (
            (bob, acme, DelegationNotLive),
            (alice, make_organisation(), connections.OnInOtherOrganisation),
        ):
            with pytest.raises(error):
                connections.switch_off_feature(
                    delegation_id=delegation.id,
                    user_id=user.id,
                    organisation_id=organisation.id,
                    at=timezone.now(),
                )
        assert Delegation.objects.live().exists()


@pytest.mark.clause("LU-3.1")
class TestOneItem:
    def test_is_withdrawn_by_its_owner_only(self, alice, acme):
        bob, at = make_user("bob", organisation=acme), timezone.now()
        given = give_consent(alice, acme, feature="support", item=uuid7(), at=at)

        assert not connections.withdraw_item_consent(
            consent_id=given.id, **make_owner_values(bob, acme)
        )
        assert connections.withdraw_item_consent(
            consent_id=given.id, **make_owner_values(alice, acme)
        )
        assert not connections.withdraw_item_consent(
            consent_id=given.id, **make_owner_values(alice, acme)
        )
