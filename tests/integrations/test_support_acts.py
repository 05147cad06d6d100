"""Acts of support: ordered by the staff process, carried out by workers, told to the person."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.ids import uuid7
from accounts.models import Alarm, User
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations.connections import remove_empty_connection
from integrations.coordination.leases import NotClaimable
from integrations.models import (
    IntegrationStatus,
    OwnerNotice,
    PurgeJob,
    PurgeTrigger,
    SupportAct,
    SupportActKind,
    SupportActState,
)
from integrations.providers.local import LOCAL
from integrations.support import act_rows, act_runner, acts, lookups
from integrations.tasks import support as tasks
from integrations.tasks.notices import deliver_notice
from limited_use.ledger import entries
from limited_use.models import Consent, DataKey, Leaf, Receipt
from tests.broker import record_messages
from tests.factories import (
    make_connection,
    make_integration,
    make_message,
    make_organisation,
    make_user,
)
from tests.integrations.support import bulk_world
from tests.integrations.support import desk as desks
from tests.integrations.support_desk import TEXT, TICKET, Desk, run_purge_act
from tests.walls import acting_as

pytestmark = pytest.mark.django_db
KIND, STATE = SupportActKind, SupportActState


@pytest.fixture
def desk():
    return Desk()


def make_local_calendars(desk):
    """Return calendars of Alice that are only in Antares."""
    connection = make_connection(desk.alice, desk.acme, provider="offline")
    return make_integration(connection, product="calendar", consent=False)


def list_events(prefix):
    payloads = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    return [payload for payload in payloads if payload["event"].startswith(prefix)]


class TestOrdering:
    def test_writes_the_act_and_a_ledger_entry_and_queues_the_worker(
        self, desk, monkeypatch, django_capture_on_commit_callbacks
    ):
        lookup, messages = desk.find(), record_messages(monkeypatch)

        with django_capture_on_commit_callbacks(execute=True):
            act = desk.order_disconnect(lookup=lookup)

        act = SupportAct.objects.get(id=act.id)
        assert (act.state, act.text, act.ticket) == (STATE.WAITING, TEXT, TICKET)
        assert act.effect == {"accounts": 1, "features": act.effect["features"]}
        assert [(message.task, message.ids) for message in messages] == [
            ("integrations.run_support_revocation", {"act_id": str(act.id)})
        ]
        (event,) = list_events("support.")
        assert event["subject"] == entries.get_ledger_pseudonym(act.id)
        assert event["actor"] == entries.get_ledger_pseudonym(desk.sam.id)
        assert event["body"] == {
            "kind": "revoke_connection", "reason": "device_lost", "role": "support"
        }  # fmt: skip
        assert not PurgeJob.objects.exists()

    def test_states_what_a_disconnect_removes_in_numbers(self, desk):
        for _ in range(3):
            make_message(desk.mail)

        act = desk.order_disconnect()

        assert (act.effect["messages"], act.effect["accounts"]) == (3, 1)

    def test_counts_no_feature_that_another_account_keeps(self, desk):
        desk.connect()

        act = desk.order_disconnect()

        assert "features" not in act.effect
        assert desk.order(KIND.REVOKE_PERSON)[0].effect["accounts"] == 2

    def test_counts_features_that_only_antares_calendars_are_left_for(self, desk):
        before = desk.order_disconnect().effect
        make_local_calendars(desk)

        assert desk.order_disconnect().effect == before
        assert before["features"] > 1

    def test_twice_in_a_row_is_one_act(self, desk):
        lookup = desk.find()
        target = {"connection_id": desk.connection.id, "lookup": lookup}

        first, is_first_new = desk.order(KIND.REVOKE_CONNECTION, **target)
        second, is_second_new = desk.order(KIND.REVOKE_CONNECTION, **target)

        assert (first.id, is_first_new, is_second_new) == (second.id, True, False)
        assert SupportAct.objects.count() == 1

    @pytest.mark.parametrize(
        "words",
        [
            {"text": " "}, {"text": "x" * 501}, {"text": "a\0b"}, {"ticket": ""}, {"ticket": "<b>"},
        ],
    )  # fmt: skip
    def test_of_a_disconnect_needs_a_text_and_a_ticket(self, desk, words):
        with pytest.raises(acts.ActInvalid):
            desk.order_disconnect(words=words)
        assert not SupportAct.objects.exists()

    def test_of_a_sync_needs_neither(self, desk):
        words = {"text": "", "ticket": ""}

        act, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id, words=words)

        assert act.state == STATE.WAITING

    def test_is_refused_for_somebody_whom_the_agent_did_not_find(self, desk):
        lookup = desk.find()
        bob = Desk(sam=desk.sam)

        for target in (
            {"kind": KIND.REVOKE_CONNECTION, "connection_id": bob.connection.id},
            {"kind": KIND.REVOKE_INTEGRATION, "integration_id": bob.mail.id},
            {"kind": KIND.SEND_RECEIPT_LINK, "receipt_id": uuid7()},
        ):
            with pytest.raises(acts.UnknownObject):
                desk.order(lookup=lookup, **target)

    def test_is_refused_for_another_person_whom_the_agent_found_as_well(self, desk):
        lookup, bob = desk.find(), Desk(sam=desk.sam)
        bob.find()
        receipt = Receipt.objects.create(
            subject_id=bob.mail.id, owner_id=bob.alice.id, document=b"{}", created_at=timezone.now()
        )

        for target in (
            {"kind": KIND.REVOKE_CONNECTION, "connection_id": bob.connection.id},
            {"kind": KIND.SYNC_NOW, "integration_id": bob.mail.id},
            {"kind": KIND.SEND_RECEIPT_LINK, "receipt_id": receipt.id},
        ):
            with pytest.raises(acts.UnknownObject):
                desk.order(lookup=lookup, **target)

    def test_is_refused_if_only_local_calendars_or_an_ending_account_are_left(self, desk):
        lookup = desk.find()
        ending = make_connection(desk.alice, desk.acme)
        desk.disconnect_as_owner()
        remove_empty_connection(
            connection_id=ending.id,
            user_id=desk.alice.id,
            organisation_id=desk.acme.id,
            at=timezone.now(),
        )
        make_connection(desk.alice, desk.acme, provider="offline")

        with pytest.raises(acts.UnknownObject):
            desk.order(KIND.REVOKE_PERSON, lookup=lookup)

    def test_is_listed_for_its_agent_alone(self, desk):
        act, sue = desk.order_disconnect(), desks.make_agent("sue")
        desk.find(agent=sue)

        for agent, expected in ((desk.sam, [act.id]), (sue, [])):
            actor = desks.actor_of(agent)
            with acting_as(ProcessClass.STAFF, actor):
                listed = acts.list_own_acts(actor=actor, at=timezone.now())
            assert [row.id for row in listed] == expected

    def test_is_refused_once_the_look_up_has_ended(self, desk):
        lookup = desk.find()
        type(lookup).objects.filter(id=lookup.id).update(expires_at=timezone.now())

        with pytest.raises(acts.UnknownObject):
            desk.order_disconnect(lookup=lookup)

    def test_is_refused_with_the_look_up_of_another_agent(self, desk):
        lookup = desk.find(agent=desks.make_agent("sue"))

        with pytest.raises(acts.UnknownObject):
            desk.order_disconnect(lookup=lookup)

    def test_cannot_go_around_the_operation(self, desk):
        """The database refuses an act for somebody else, or in another agent's name."""
        lookup, at = desk.find(), timezone.now()
        sue, bob = desks.make_agent("sue"), make_user(organisation=make_organisation())

        for agent, user in ((sue, desk.alice), (desk.sam, bob)):
            with (
                acting_as(ProcessClass.STAFF, desk.actor),
                pytest.raises(DatabaseError, match="row-level security"),
                transaction.atomic(),
            ):
                SupportAct.objects.create(
                    agent_id=agent.id, kind=KIND.REVOKE_PERSON, lookup=lookup, user=user,
                    reason="other", text="x", ticket="1", asked_at=at, next_try_at=at,
                )  # fmt: skip

    @pytest.mark.parametrize("days", [-91, 1])
    def test_cannot_be_given_another_time(self, desk, days):
        """The person's page lists the acts of 90 days, and older ones are deleted."""
        lookup, at = desk.find(), timezone.now()

        with (
            acting_as(ProcessClass.STAFF, desk.actor),
            pytest.raises(DatabaseError, match="row-level security"),
            transaction.atomic(),
        ):
            SupportAct.objects.create(
                agent_id=desk.sam.id, kind=KIND.REVOKE_PERSON, lookup=lookup, user=desk.alice,
                reason="other", text="x", ticket="1", asked_at=at + timedelta(days=days),
                next_try_at=at,
            )  # fmt: skip

    def test_of_a_sync_says_that_the_owner_has_to_reconnect(self, desk):
        desk.mail.status = IntegrationStatus.REAUTH_REQUIRED
        desk.mail.save()

        with pytest.raises(acts.ReconnectFirst):
            desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id)

    def test_of_skipped_messages_is_for_mail(self, desk):
        with pytest.raises(acts.UnknownObject):
            desk.order(KIND.RETRY_QUARANTINED, integration_id=desk.calendar.id)


class TestRevocation:
    @pytest.mark.claim("notice.support-disconnected-all", "mail.support-disconnected-all")
    @pytest.mark.claim("support.disconnect-is-final")
    def test_disconnects_every_product_of_the_account(self, desk):
        desk.agree()
        act = desk.order_disconnect()
        keys = DataKey.objects.filter(holder__in=[desk.mail.id, desk.calendar.id])
        assert keys.exists()

        assert run_purge_act(act) == STATE.DONE

        assert not keys.exists()
        jobs = PurgeJob.objects.order_by("id")
        assert {(job.trigger, job.support_act_id) for job in jobs} == {
            (PurgeTrigger.SUPPORT, act.id)
        }
        assert jobs.count() == SupportAct.objects.get().done_count == 2
        assert {consent.withdrawn_at is not None for consent in Consent.objects.all()} == {True}
        ended = {event["event"] for event in list_events("consent.")} - {"consent.given"}
        assert ended == {"consent.lapsed"}
        assert [event["event"] for event in list_events("support.")] == [
            "support.act_ordered", "support.act_done"
        ]  # fmt: skip
        (notice,) = OwnerNotice.objects.all()
        assert (notice.message, notice.reason) == ("support_disconnected_all", "device_lost")
        assert (notice.user_id, notice.organisation_id) == (desk.alice.id, desk.acme.id)

    @pytest.mark.claim("notice.support-disconnected", "mail.support-disconnected")
    def test_of_one_product_leaves_the_other(self, desk, mailoutbox):
        act, _ = desk.order(KIND.REVOKE_INTEGRATION, integration_id=desk.mail.id)

        run_purge_act(act)

        assert PurgeJob.objects.get().integration_id == desk.mail.id
        desk.calendar.refresh_from_db()
        assert desk.calendar.status == IntegrationStatus.ACTIVE
        (notice,) = OwnerNotice.objects.all()
        assert (notice.message, notice.product) == ("support_disconnected", "mail")
        deliver_notice(notice_id=str(notice.id))
        (mail,) = mailoutbox
        assert mail.to == [desk.alice.email]
        assert "support agent of Antares disconnected your Google mail" in mail.body
        assert "A device is lost or stolen." in mail.body
        assert "/settings/support/" in mail.body
        assert TEXT not in mail.body

    @pytest.mark.claim("support.local-calendars-stay")
    def test_of_a_person_takes_every_account_and_no_local_calendar(self, desk):
        other, *_ = desk.connect()
        local = make_local_calendars(desk)
        act, _ = desk.order(KIND.REVOKE_PERSON)

        assert run_purge_act(act) == STATE.DONE

        connections = {job.integration.connection_id for job in PurgeJob.objects.all()}
        assert connections == {desk.connection.id, other.id}
        local.refresh_from_db()
        assert local.status == IntegrationStatus.ACTIVE
        assert OwnerNotice.objects.count() == 2

    def test_that_is_killed_between_two_accounts_is_finished_by_the_next_worker(
        self, desk, monkeypatch
    ):
        desk.connect()
        act, _ = desk.order(KIND.REVOKE_PERSON)
        revoke, calls = act_runner._revoke_connection, []

        def die_at_the_second(*args):
            calls.append(args)
            if len(calls) == 2:
                raise SystemExit
            revoke(*args)

        monkeypatch.setattr(act_runner, "_revoke_connection", die_at_the_second)
        with pytest.raises(SystemExit):
            run_purge_act(act)
        monkeypatch.setattr(act_runner, "_revoke_connection", revoke)
        assert PurgeJob.objects.count() == 2
        # The act has begun, so it is finished also if its agent leaves.
        User.objects.filter(id=desk.sam.id).update(role=Role.MEMBER)

        with pytest.raises(NotClaimable):
            run_purge_act(act)
        later = timezone.now() + timedelta(hours=1)
        assert run_purge_act(act, now=lambda: later) == STATE.DONE

        assert PurgeJob.objects.count() == SupportAct.objects.get().done_count == 4
        assert OwnerNotice.objects.count() == 2
        with pytest.raises(NotClaimable):
            run_purge_act(act, now=lambda: later)

    def test_is_unnecessary_if_the_owner_was_faster(self, desk):
        act = desk.order_disconnect()
        desk.disconnect_as_owner()

        assert run_purge_act(act) == STATE.UNNECESSARY

        assert {job.trigger for job in PurgeJob.objects.all()} == {PurgeTrigger.OWNER}
        assert not OwnerNotice.objects.exists()
        assert list_events("support.")[-1]["event"] == "support.act_unnecessary"

    def test_takes_the_rest_if_the_owner_disconnected_a_part(self, desk):
        act = desk.order_disconnect()
        desk.disconnect_as_owner(desk.mail)

        assert run_purge_act(act) == STATE.DONE
        assert PurgeJob.objects.get(support_act_id=act.id).integration_id == desk.calendar.id

    def test_leaves_what_the_owner_connected_after_the_order(self, desk):
        act, _ = desk.order(KIND.REVOKE_PERSON)
        desk.connect()

        run_purge_act(act)

        assert {job.integration.connection_id for job in PurgeJob.objects.all()} == {
            desk.connection.id
        }

    def test_takes_an_account_without_products_beside_antares_calendars(self, desk):
        bob = make_user("bob", organisation=desk.acme)
        make_integration(
            make_connection(bob, desk.acme, provider=LOCAL.key), product="calendar", consent=False
        )
        empty = make_connection(bob, desk.acme)
        act, _ = desk.order(KIND.REVOKE_PERSON, lookup=desk.find(empty))

        assert run_purge_act(act) == STATE.DONE
        empty.refresh_from_db()
        assert empty.ending_since is not None
        assert SupportAct.objects.get().done_count == 1

    @pytest.mark.claim("mail.support-disconnected-empty")
    def test_revokes_the_grant_of_an_account_without_products(self, desk, mailoutbox):
        empty = make_connection(desk.alice, desk.acme)
        act = desk.order(KIND.REVOKE_PERSON)[0]
        assert act.effect["accounts"] == 2

        assert run_purge_act(act) == STATE.DONE

        empty.refresh_from_db()
        assert empty.ending_since is not None
        assert not PurgeJob.objects.filter(integration__connection=empty).exists()
        notice = OwnerNotice.objects.get(about=empty.id)
        deliver_notice(notice_id=str(notice.id))
        (mail,) = mailoutbox
        assert (
            "no data to remove and no receipt. Antares deletes the tokens of the account."
            in mail.body
        )

    @pytest.mark.parametrize(
        "change",
        [{"role": Role.MEMBER}, {"is_active": False, "deactivated_at": timezone.now()}],
        ids=["demoted", "deactivated"],
    )
    def test_is_not_done_for_somebody_who_is_no_agent_any_more(self, desk, change):
        act = desk.order_disconnect()
        User.objects.filter(id=desk.sam.id).update(**change)

        assert run_purge_act(act) == STATE.STOPPED
        assert not PurgeJob.objects.exists()

    def test_is_tried_again_and_fails_with_an_alarm(self, desk, monkeypatch):
        act = desk.order_disconnect()

        def fail(*_):
            raise RuntimeError("a bug")

        monkeypatch.setattr(act_runner, "_revoke_connection", fail)
        at = timezone.now()
        for _ in range(act_rows.MAX_TRIES - 1):
            at += timedelta(hours=1)
            assert run_purge_act(act, now=lambda at=at: at) == STATE.WAITING
            with pytest.raises(NotClaimable):
                run_purge_act(act, now=lambda at=at: at)
        assert not Alarm.objects.exists()

        assert run_purge_act(act, now=lambda: at + timedelta(hours=1)) == STATE.FAILED

        alarm = Alarm.objects.get()
        assert (alarm.kind, alarm.about) == ("support.act_failed", act.id)
        assert list_events("support.")[-1]["event"] == "support.act_failed"

    def test_of_a_person_takes_the_other_accounts_if_one_of_them_fails(self, desk, monkeypatch):
        other, *_ = desk.connect()
        act, _ = desk.order(KIND.REVOKE_PERSON)
        revoke = act_runner._revoke_connection

        def fail_for_the_first(claimed, connection, at):
            if connection.id == desk.connection.id:
                raise RuntimeError("a bug")
            revoke(claimed, connection, at)

        with monkeypatch.context() as patch:
            patch.setattr(act_runner, "_revoke_connection", fail_for_the_first)
            assert run_purge_act(act) == STATE.WAITING

        assert {job.integration.connection_id for job in PurgeJob.objects.all()} == {other.id}
        later = timezone.now() + timedelta(hours=1)
        assert run_purge_act(act, now=lambda: later) == STATE.DONE
        assert PurgeJob.objects.count() == SupportAct.objects.get().done_count == 4

    def test_fails_if_the_worker_of_every_try_dies(self, desk, monkeypatch):
        act, at = desk.order_disconnect(), timezone.now()

        def die(*_):
            raise SystemExit

        monkeypatch.setattr(act_runner, "_revoke_connection", die)
        for _ in range(act_rows.MAX_TRIES):
            at += timedelta(hours=1)
            with pytest.raises(SystemExit):
                run_purge_act(act, now=lambda at=at: at)

        assert run_purge_act(act, now=lambda: at + timedelta(hours=1)) == STATE.FAILED
        assert Alarm.objects.get().kind == "support.act_failed"

    def test_whose_task_was_lost_is_found_by_the_sweep(self, desk, monkeypatch):
        act = desk.order_disconnect()
        sync, _ = desk.order(KIND.SYNC_NOW, integration_id=desk.mail.id)
        messages = record_messages(monkeypatch)

        with acting_as(ProcessClass.PURGE):
            tasks.sweep_support()
        with acting_as(ProcessClass.SYNC):
            tasks.sweep_support_maintenance()

        sent = {(message.task, message.ids.get("act_id")) for message in messages}
        assert {
            ("integrations.run_support_revocation", str(act.id)),
            ("integrations.run_support_maintenance", str(sync.id)),
        } <= sent


class TestAlarms:
    def test_of_many_disconnects_by_one_agent_on_a_day(self, desk, monkeypatch):
        monkeypatch.setattr(acts, "USUAL_REVOCATIONS_PER_DAY", 1)
        lookup = desk.find()
        desk.order_disconnect(lookup=lookup)
        assert not Alarm.objects.exists()

        for integration in (desk.mail, desk.calendar):
            desk.order(KIND.REVOKE_INTEGRATION, integration_id=integration.id, lookup=lookup)

        alarm = Alarm.objects.get()
        assert (alarm.kind, alarm.about) == ("support.unusual", desk.sam.id)

    def test_count_no_disconnects_in_bulk(self, desk, monkeypatch):
        monkeypatch.setattr(acts, "USUAL_REVOCATIONS_PER_DAY", 1)
        otto = desks.make_agent("otto", Role.OPERATOR)
        bulk_world.run_worker(bulk_world.begin(desk.sam, otto, organisation_id=desk.acme.id))
        connection, *_ = desk.connect()

        desk.order_disconnect(connection, lookup=desk.find(connection))

        assert SupportAct.objects.filter(agent_id=desk.sam.id).count() == 2
        assert not Alarm.objects.filter(kind="support.unusual").exists()

    def test_of_many_look_ups_by_one_agent_in_an_hour(self, desk, monkeypatch):
        monkeypatch.setattr(lookups, "USUAL_LOOKUPS_PER_HOUR", 1)
        desk.find()
        assert not Alarm.objects.exists()

        desk.find()

        assert Alarm.objects.get().kind == "support.unusual"
