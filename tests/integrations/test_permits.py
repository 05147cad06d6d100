"""Facts are found, never claimed: what each actor may open of whose, and what is recorded of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import delegations, memberships
from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from integrations.access import facts, permits
from integrations.access.facts import FactsSnapshot
from integrations.connections import automatic_disconnect
from integrations.grants import provider_credentials
from integrations.models import Integration, IntegrationStatus, PurgeTrigger
from limited_use.access_request import FenceKind
from limited_use.agreements import consents
from limited_use.guard.guard import AccessRefused
from limited_use.models import Leaf
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.sinks.json_sink import SealedRow, render_json_page
from limited_use.sinks.provider_sink import open_credential
from limited_use.vault.envelope import Unopenable
from tests.factories import (
    actor_for,
    make_connection,
    make_integration,
    make_message,
    make_organisation,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.invariant(1)]

METADATA = [DataClass.MAIL_METADATA]


def list_ledger_entries():
    return [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]


def list_decisions():
    return [entry["event"] for entry in list_ledger_entries() if entry["event"].startswith("use.")]


def permit_display(actor, integration, data_classes=METADATA):
    return permits.to_display(
        actor=actor, counts={integration.id: 50}, data_classes=data_classes, at=timezone.now()
    )


def client_for(user, organisation, *, feature="inbox-widget", purpose="inbox.display"):
    delegation = delegations.switch_delegation_on(
        user_id=user.id,
        organisation_id=organisation.id,
        feature=feature,
        feature_version=1,
        at=timezone.now(),
    )
    return Actor(
        kind=ActorKind.CLIENT,
        id=uuid7(),
        user_id=user.id,
        organisation_id=organisation.id,
        delegation_id=delegation.id,
        delegation_epoch=delegation.epoch,
        feature=feature,
        purpose=purpose,
    )


@pytest.fixture
def integration(alice, acme):
    return make_integration(make_connection(alice, acme))


class TestShowing:
    def test_is_permitted_to_the_owner_and_recorded_once_per_class(self, integration, alice, acme):
        given = permit_display(
            actor_for(alice, acme), integration, [DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT]
        )

        assert set(given) == {
            (integration.id, DataClass.MAIL_METADATA),
            (integration.id, DataClass.MAIL_CONTENT),
        }
        permit = given[integration.id, DataClass.MAIL_METADATA]
        assert permit.use.recipient == Recipient.OWNER
        assert {fence.kind for fence in permit.fences} == {FenceKind.MEMBERSHIP, FenceKind.CONSENT}
        assert list_decisions() == ["use.permitted"] * 2
        assert [entry["count"] for entry in list_ledger_entries()[-2:]] == [50, 50]

    @pytest.mark.claim("feature.inbox-only-you")
    @pytest.mark.control("3.1.4")
    def test_is_refused_by_the_guard_to_a_view_that_loads_another_persons_integration(
        self, integration, bob, acme
    ):
        # Planted: a careless view that selects by id alone, not through the owner.
        careless = Integration.objects.get(id=integration.id)

        with pytest.raises(AccessRefused) as refused:
            permit_display(actor_for(bob, acme), careless)

        assert refused.value.decision.rule_id == "owner-reads-own-inbox"
        assert "actor_owns" in refused.value.decision.missing
        assert list_ledger_entries()[-1]["event"] == "use.refused"
        assert list_ledger_entries()[-1]["id"] == str(refused.value.entry_id)

    @pytest.mark.control("3.1.4")
    def test_is_refused_for_an_integration_that_does_not_exist(self, alice, acme, integration):
        with pytest.raises(AccessRefused):
            permits.to_display(
                actor=actor_for(alice, acme),
                counts={uuid7(): 1},
                data_classes=METADATA,
                at=timezone.now(),
            )

    def test_is_refused_in_another_organisation_of_the_owners(self, integration, alice):
        other = make_organisation("Other")
        make_user(organisation=other)
        memberships.add_member(user_id=alice.id, organisation_id=other.id, at=timezone.now())

        with pytest.raises(AccessRefused):
            permit_display(actor_for(alice, other), integration)

    def test_is_refused_to_an_owner_who_left(self, integration, alice, acme):
        actor = actor_for(alice, acme)
        memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=timezone.now())

        with pytest.raises(AccessRefused):
            permit_display(actor, integration)

    def test_is_refused_without_consent_to_what_the_feature_is_now(self, alice, acme):
        integration = make_integration(make_connection(alice, acme), consent=False)

        with pytest.raises(AccessRefused) as refused:
            permit_display(actor_for(alice, acme), integration)
        assert "consent_current" in refused.value.decision.missing

    @pytest.mark.parametrize("status", [IntegrationStatus.PURGING, IntegrationStatus.PURGED])
    def test_is_refused_once_it_is_disconnected(self, integration, alice, acme, status):
        Integration.objects.update(status=status, switched_off_at=timezone.now())

        with pytest.raises(AccessRefused):
            permit_display(actor_for(alice, acme), integration)

    def test_of_nothing_asks_nothing(self, alice, acme):
        assert not permits.to_display(
            actor=actor_for(alice, acme), counts={}, data_classes=METADATA, at=timezone.now()
        )
        assert not list_decisions()

    def test_refuses_all_for_one_and_records_each(self, integration, alice, bob, acme):
        theirs = make_integration(make_connection(bob, acme))

        with pytest.raises(AccessRefused):
            permits.to_display(
                actor=actor_for(alice, acme),
                counts={integration.id: 1, theirs.id: 1},
                data_classes=METADATA,
                at=timezone.now(),
            )

        assert sorted(list_decisions()) == ["use.permitted", "use.refused"]


class TestAPlatformFeature:
    def test_is_shown_what_its_person_switched_on(self, integration, alice, acme):
        given = permit_display(client_for(alice, acme), integration)

        permit = given[integration.id, DataClass.MAIL_METADATA]
        assert permit.use.recipient == Recipient.PLATFORM_FEATURE
        assert FenceKind.DELEGATION in {fence.kind for fence in permit.fences}

    @pytest.mark.clause("LU-4.1")
    @pytest.mark.parametrize("purpose", ["marketing", "model.training", "made.up", "", None])
    def test_is_refused_any_other_purpose(self, integration, alice, acme, purpose):
        client = client_for(alice, acme, feature="campaigns", purpose=purpose)

        with pytest.raises(AccessRefused):
            permit_display(client, integration)

    def test_is_refused_when_the_grant_ended_though_the_owner_still_reads(
        self, integration, alice, acme
    ):
        client = client_for(alice, acme)
        provider_credentials.record_grant_ended(
            connection_id=integration.connection_id, epoch=1, at=timezone.now()
        )

        with pytest.raises(AccessRefused):
            permit_display(client, integration)
        assert permit_display(actor_for(alice, acme), integration)

    def test_is_refused_after_it_was_switched_off(self, integration, alice, acme):
        client = client_for(alice, acme)
        delegations.switch_delegation_off(
            delegation_id=client.delegation_id, user_id=alice.id, at=timezone.now()
        )

        with pytest.raises(AccessRefused):
            permit_display(client, integration)

    def test_is_refused_the_mail_of_a_person_who_did_not_switch_it_on(self, integration, bob, acme):
        with pytest.raises(AccessRefused):
            permit_display(client_for(bob, acme), integration)


@pytest.mark.invariant(5)
class TestAPermitInHand:
    def opened(self, message, given, actor):
        return render_json_page(
            [SealedRow(message, {"summary": message.summary})],
            permits=given,
            actor=actor,
            shape=lambda _, values: {"summary": values["summary"].decode()},
            at=timezone.now(),
        )

    def test_opens(self, integration, alice, acme):
        message = make_message(integration, subject="Lunch")
        actor = actor_for(alice, acme)

        assert b"Lunch" in self.opened(message, permit_display(actor, integration), actor)

    @pytest.mark.parametrize("withdrawal", ["disconnect", "consent", "leaving", "grant"])
    def test_opens_nothing_after_a_withdrawal(self, integration, alice, acme, withdrawal):
        message = make_message(integration)
        actor = actor_for(alice, acme)
        given = permit_display(actor, integration)
        at = timezone.now()
        with transaction.atomic():
            if withdrawal == "disconnect":
                automatic_disconnect.disconnect_in_transaction(
                    integration=integration, trigger=PurgeTrigger.OWNER, at=at
                )
            elif withdrawal == "consent":
                consents.withdraw(
                    person_id=alice.id, organisation_id=acme.id, feature="inbox", at=at
                )
            elif withdrawal == "leaving":
                memberships.end_membership(user_id=alice.id, organisation_id=acme.id, at=at)
        if withdrawal == "grant":
            provider_credentials.record_grant_ended(
                connection_id=integration.connection_id, epoch=1, at=at
            )

        with pytest.raises(Unopenable):
            self.opened(message, given, actor)


class TestTheServicesOwn:
    def test_uses_tokens_at_their_own_provider(self, integration):
        connection = integration.connection
        permit = permits.to_use_access_token(connection_id=connection.id, at=timezone.now())

        opened = open_credential(
            connection.access_token, permit, to=connection.id, at=timezone.now()
        )

        assert opened == "ya29.access"

    def test_maintains_nothing_whose_grant_ended(self, integration):
        provider_credentials.record_grant_ended(
            connection_id=integration.connection_id, epoch=1, at=timezone.now()
        )

        with pytest.raises(AccessRefused):
            permits.to_use_access_token(connection_id=integration.connection_id, at=timezone.now())
        assert permits.to_revoke_grant(connection_id=integration.connection_id, at=timezone.now())

    def test_ends_a_grant_while_its_purge_runs_and_not_before(self, integration):
        connection_id = integration.connection_id
        with pytest.raises(AccessRefused):
            permits.to_revoke_grant(connection_id=connection_id, at=timezone.now())
        automatic_disconnect.disconnect_in_transaction(
            integration=integration, trigger=PurgeTrigger.OWNER, at=timezone.now()
        )

        assert permits.to_revoke_grant(connection_id=connection_id, at=timezone.now())

    def test_asks_for_news_under_two_decisions_made_together(self, integration):
        given = permits.to_sync(integration_id=integration.id, at=timezone.now())

        assert given.credential.holder == integration.connection_id
        assert given.remote.use.recipient == Recipient.OWN_PROVIDER
        assert list_decisions() == ["use.permitted"] * 2
        assert given.remote.expires_at - timezone.now() <= timedelta(seconds=60)

    def test_stores_under_a_decision_for_each_class(self, integration):
        given = permits.to_store(integration_id=integration.id, at=timezone.now())

        assert set(given) == {DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}
        assert {permit.use.purpose for permit in given.values()} == {Purpose.SYNC_STORE}
        assert list_decisions() == ["use.permitted"] * 2

    def test_syncs_nothing_without_consent(self, integration, alice, acme):
        consents.withdraw(
            person_id=alice.id, organisation_id=acme.id, feature="inbox", at=timezone.now()
        )

        with pytest.raises(AccessRefused):
            permits.to_sync(integration_id=integration.id, at=timezone.now())

    def test_syncs_nothing_that_does_not_exist(self, db, integration):
        with pytest.raises(AccessRefused):
            permits.to_sync(integration_id=uuid7(), at=timezone.now())


class TestAnAccountsName:
    def test_is_shown_to_its_owner(self, integration, alice, acme):
        connection_id = integration.connection_id
        given = permits.to_show_accounts(
            actor=actor_for(alice, acme), connection_ids=[connection_id], at=timezone.now()
        )

        assert set(given) == {(connection_id, DataClass.PROFILE)}

    @pytest.mark.control("3.1.4")
    def test_is_neither_shown_to_nor_hinted_for_anybody_else(self, integration, bob, acme):
        for ask in (
            lambda at: permits.to_show_accounts(
                actor=actor_for(bob, acme), connection_ids=[integration.connection_id], at=at
            ),
            lambda at: permits.for_login_hint(
                actor=actor_for(bob, acme), connection_id=integration.connection_id, at=at
            ),
        ):
            with pytest.raises(AccessRefused):
                ask(timezone.now())


class TestWhatWasFoundBefore:
    """A page finds its mailboxes and what is true of them at once; its permits rest on that."""

    @pytest.fixture
    def hers(self, alice, acme):
        return actor_for(alice, acme)

    def test_is_what_permits_rest_on_and_nothing_is_asked_twice(self, hers, integration):
        at = timezone.now()
        found = facts.for_mailboxes(user_id=hers.user_id, actor=hers, at=at)

        with CaptureQueriesContext(connection) as asked:
            granted = permits.to_display(
                actor=hers, counts={integration.id: 1}, data_classes=METADATA, at=at, snapshot=found
            )

        assert not [one for one in asked.captured_queries if "FROM integ" in one["sql"]]
        of_one = facts.for_integrations([integration.id], actor=hers, at=at)[integration.id]
        # The provider is read with all mailboxes of a person alone.
        assert found.by_integration == {integration.id: replace(of_one, provider="google")}
        assert list(granted) == [(integration.id, DataClass.MAIL_METADATA)]

    def test_of_her_question_opens_nothing_to_another_or_later(self, hers, integration, bob, acme):
        at = timezone.now()
        found = facts.for_mailboxes(user_id=hers.user_id, actor=hers, at=at)
        show = {"counts": {integration.id: 1}, "data_classes": METADATA, "snapshot": found}

        with pytest.raises(AccessRefused):
            permits.to_display(actor=actor_for(bob, acme), at=at, **show)
        memberships.end_membership(user_id=hers.user_id, organisation_id=acme.id, at=at)
        with pytest.raises(AccessRefused):
            permits.to_display(actor=hers, at=at + timedelta(seconds=1), **show)

    def test_leaves_what_came_since_to_be_looked_for(self, hers, integration):
        at = timezone.now()
        before = FactsSnapshot(hers, at, {})

        assert permits.to_display(
            actor=hers, counts={integration.id: 1}, data_classes=METADATA, at=at, snapshot=before
        )

    def test_is_made_by_facts_alone(self):
        root = Path(__file__).parents[2]
        made = {
            path.relative_to(root).as_posix()
            for package in ("accounts", "limited_use", "integrations", "config")
            for path in (root / package).rglob("*.py")
            if "FactsSnapshot(" in path.read_text(encoding="utf-8")
        }

        assert made == {"integrations/access/facts/integration_facts.py"}
