"""Bulk revocations: who may propose and decide, what is counted, disconnected and recorded."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import count

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from accounts.models import Alarm
from accounts.roles import Role
from config.process_classes import ProcessClass
from integrations import purge
from integrations.connections import automatic_disconnect
from integrations.models import (
    BulkRevocation,
    BulkState,
    Connection,
    Integration,
    IntegrationStatus,
    OwnerNotice,
    PurgeJob,
    PurgeTrigger,
    SupportAct,
    SupportActState,
)
from integrations.providers.local import LOCAL
from integrations.support import (
    act_rows,
    bulk_act,
    bulk_matches,
    bulk_revocation,
    bulk_runner,
    retention,
)
from integrations.support.bulk_revocation import BulkInvalid, BulkNotOpen, SecondPersonNeeded
from limited_use.ledger import entries
from limited_use.models import DataKey, Leaf
from tests.factories import make_message, make_organisation
from tests.integrations.support.bulk_world import (
    approve,
    begin,
    list_revoked,
    make_account,
    make_proposal,
    propose,
    run_worker,
    stop,
)
from tests.integrations.support.desk import actor_of, make_agent
from tests.walls import acting_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme():
    return make_organisation("Acme")


@pytest.fixture
def sam():
    return make_agent("sam")


@pytest.fixture
def otto():
    return make_agent("otto", Role.OPERATOR)


def list_events(row):
    """Return the ledger events about a bulk revocation, or one of its acts."""
    events = [json.loads(bytes(leaf.payload)) for leaf in Leaf.objects.order_by("id")]
    name = entries.get_ledger_pseudonym(row.id)
    return [event for event in events if event.get("subject") == name]


def list_states(bulk):
    acts = SupportAct.objects.filter(bulk=bulk).order_by("id")
    return list(acts.values_list("state", flat=True))


def reload(bulk):
    return BulkRevocation.objects.get(id=bulk.id)


class TestAProposal:
    @pytest.mark.parametrize(
        "wrong",
        [
            {},
            {"provider": LOCAL.key},
            {"provider": "yahoo"},
            {"provider": "google", "ticket": ""},
            {"provider": "google", "ticket": "<b>"},
            {"provider": "google", "text": ""},
            {"provider": "google", "text": "a" * 501},
            {"connected_from": timezone.now() + timedelta(days=1)},
        ],
    )
    def test_needs_a_criterion_a_text_and_a_ticket(self, sam, wrong):
        with pytest.raises(BulkInvalid):
            propose(sam, **wrong)

        assert not BulkRevocation.objects.exists()

    def test_matches_nothing_that_is_connected_after_it(self, sam):
        tomorrow = timezone.now() + timedelta(days=1)

        bulk = propose(sam, provider="google", connected_until=tomorrow)

        assert bulk.connected_until == bulk.asked_at

    def test_finds_an_organisation_by_its_exact_ids_only(self, acme, sam):
        with acting_as(ProcessClass.STAFF, actor_of(sam)):
            assert bulk_revocation.find_organisation(str(acme.id)) == acme.id
            assert bulk_revocation.find_organisation(acme.platform_id) == acme.id
            for wrong in ("Acme", acme.platform_id[:-1], acme.platform_id.upper(), "%"):
                with pytest.raises(bulk_revocation.OrganisationUnknown):
                    bulk_revocation.find_organisation(wrong)

    def test_is_counted_by_a_worker_and_disconnects_nothing(self, acme, sam, monkeypatch):
        monkeypatch.setattr(bulk_matches, "_CHUNK", 1)
        account = make_account(acme, products=("mail", "calendar"))
        other = make_account(acme, provider="microsoft", user=account.user)
        for connection in (account, other):
            make_message(connection.integrations.get(product="mail"))
        make_account(make_organisation())

        bulk = propose(sam, organisation_id=acme.id)
        run_worker(bulk)

        bulk = reload(bulk)
        assert bulk.state == BulkState.PROPOSED
        assert bulk.counts == {
            "connections": 2,
            "people": 1,
            "organisations": 1,
            "providers": {"google": 1, "microsoft": 1},
            "products": {"mail": 2, "calendar": 1},
            "messages": 2,
            "calendars": 0,
            "events": 0,
        }
        assert Integration.objects.live().count() == 4
        assert not SupportAct.objects.exists()

    def test_keeps_its_worker_while_it_is_counted(self, acme, sam, monkeypatch):
        for _ in range(2):
            make_account(acme)
        monkeypatch.setattr(bulk_matches, "_CHUNK", 1)
        minutes = count()
        at = timezone.now()
        bulk = propose(sam, organisation_id=acme.id, at=at)
        iterate = bulk_matches._iterate_chunks

        def look_for_work(*values):
            for chunk in iterate(*values):
                yield chunk
                # Longer than a lease since the claim, not since the last statement.
                seen_at = at + timedelta(minutes=next(minutes), seconds=30)
                assert bulk_runner.list_due_bulks(at=seen_at) == []

        monkeypatch.setattr(bulk_matches, "_iterate_chunks", look_for_work)
        with acting_as(ProcessClass.PURGE):
            bulk_runner.run_bulk(bulk_id=bulk.id, now=lambda: at + timedelta(minutes=next(minutes)))

        assert reload(bulk).state == BulkState.PROPOSED

    @pytest.mark.claim("bulk.second-person")
    def test_waits_for_a_second_person(self, acme, sam):
        make_account(acme)
        bulk = propose(sam, organisation_id=acme.id)
        for _ in range(3):
            run_worker(bulk)

        with pytest.raises(SecondPersonNeeded):
            approve(bulk, sam)

        run_worker(bulk)
        assert reload(bulk).state == BulkState.PROPOSED
        assert not list_revoked()

    def test_cannot_be_decided_by_its_proposer_in_the_database(self, acme, sam):
        bulk = propose(sam, organisation_id=acme.id)

        with pytest.raises(IntegrityError), transaction.atomic():
            BulkRevocation.objects.filter(id=bulk.id).update(decided_by=sam.id)

    def test_cannot_be_approved_before_it_is_counted(self, acme, sam, otto):
        bulk = propose(sam, organisation_id=acme.id)

        with pytest.raises(BulkNotOpen):
            approve(bulk, otto)

    def test_is_decided_once(self, acme, sam, otto):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)

        with pytest.raises(BulkNotOpen):
            approve(bulk, make_agent("sina"))

    def test_that_is_rejected_disconnects_nothing(self, acme, sam, otto):
        make_account(acme)
        bulk = propose(sam, organisation_id=acme.id)
        run_worker(bulk)
        with acting_as(ProcessClass.STAFF, actor_of(otto)):
            bulk_revocation.reject_bulk(bulk.id, actor=actor_of(otto), at=timezone.now())

        run_worker(bulk)

        assert reload(bulk).state == BulkState.REJECTED
        assert not list_revoked()

    @pytest.mark.claim("bulk.expires", "bulk.rejected-by-itself")
    def test_that_nobody_decides_for_a_day_is_rejected(self, acme, sam, otto):
        at = timezone.now() - timedelta(hours=24)
        bulk = propose(sam, organisation_id=acme.id, at=at)
        run_worker(bulk)

        # Also before the sweep.
        with pytest.raises(BulkNotOpen):
            approve(bulk, otto)
        with acting_as(ProcessClass.PURGE):
            assert bulk_runner.reject_undecided(at=at + timedelta(hours=23, minutes=59)) == 0
            assert bulk_runner.reject_undecided(at=timezone.now()) == 1

        assert reload(bulk).state == BulkState.REJECTED
        assert list_events(bulk)[-1]["event"] == "bulk_revocation.rejected"
        assert list_events(bulk)[-1]["body"]["decided_by"] is None


class TestAStaffProcess:
    def test_cannot_insert_an_act_of_a_bulk_revocation(self, acme, sam, otto):
        account = make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        at = timezone.now()

        with (
            acting_as(ProcessClass.STAFF, actor_of(sam)),
            pytest.raises(DatabaseError),
            transaction.atomic(),
        ):
            SupportAct.objects.create(
                agent_id=sam.id,
                kind="revoke_connection",
                bulk=bulk,
                user_id=account.user_id,
                connection=account,
                reason="incident",
                text="x",
                ticket="x",
                asked_at=at,
                next_try_at=at,
            )

    @pytest.mark.parametrize("change", [{"counts": {}}, {"connected_until": timezone.now()}])
    def test_cannot_change_what_was_proposed(self, acme, sam, change):
        bulk = propose(sam, organisation_id=acme.id)

        with (
            acting_as(ProcessClass.STAFF, actor_of(sam)),
            pytest.raises(DatabaseError),
            transaction.atomic(),
        ):
            BulkRevocation.objects.filter(id=bulk.id).update(**change)


class TestAnApprovedOne:
    def test_disconnects_each_matching_account(self, acme, sam, otto):
        both = make_account(acme, products=("mail", "calendar"))
        empty = make_account(acme, products=())
        elsewhere = make_account(make_organisation())

        bulk = begin(sam, otto, organisation_id=acme.id)
        run_worker(bulk)

        bulk = reload(bulk)
        assert bulk.state == BulkState.DONE
        assert bulk.counts["progress"] == {
            "waiting": 0, "done": 2, "unnecessary": 0, "stopped": 0, "failed": 0
        }  # fmt: skip
        assert list_revoked() == {both.id, empty.id}
        assert elsewhere.integrations.live().count() == 1
        act = SupportAct.objects.get(connection=both)
        assert act.done_count == 2
        jobs = PurgeJob.objects.all()
        assert {job.trigger for job in jobs} == {PurgeTrigger.SUPPORT}
        assert {job.support_act_id for job in jobs} == {act.id}

    def test_notifies_the_person_of_each_account(self, acme, sam, otto):
        accounts = [make_account(acme), make_account(acme, products=())]

        run_worker(begin(sam, otto, organisation_id=acme.id))

        notices = {
            (notice.user_id, notice.about, notice.reason) for notice in OwnerNotice.objects.all()
        }
        assert notices == {(account.user_id, account.id, "incident") for account in accounts}

    @pytest.mark.claim("bulk.not-undone")
    def test_destroys_the_keys_and_orders_the_removal(self, acme, sam, otto):
        integration = make_account(acme).integrations.get()
        make_message(integration)
        bulk = begin(sam, otto, organisation_id=acme.id)
        run_worker(bulk)

        assert not DataKey.objects.filter(holder=integration.id).exists()
        integration.refresh_from_db()
        assert integration.status == IntegrationStatus.PURGING
        with acting_as(ProcessClass.PURGE):
            assert purge.list_due_jobs(at=timezone.now()) == [integration.purge.id]

    @pytest.mark.claim("bulk.excluded")
    def test_leaves_later_accounts_and_local_calendars(self, acme, sam, otto):
        local = make_account(acme, provider=LOCAL.key, products=("calendar",))
        bulk = propose(sam, organisation_id=acme.id)
        run_worker(bulk)
        later = make_account(acme)
        approve(bulk, otto)

        run_worker(bulk)

        assert reload(bulk).state == BulkState.DONE
        assert local.integrations.live().exists()
        assert later.integrations.live().exists()

    def test_leaves_an_account_that_was_reconnected_before_its_turn(
        self, acme, sam, otto, monkeypatch
    ):
        account = make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        carry_out = bulk_act.carry_out

        def reconnect_first(act_id, **values):
            Connection.objects.filter(id=account.id).update(connected_at=timezone.now())
            return carry_out(act_id, **values)

        monkeypatch.setattr(bulk_act, "carry_out", reconnect_first)
        run_worker(bulk)

        assert list_states(bulk) == [SupportActState.UNNECESSARY]
        assert account.integrations.live().exists()

    def test_has_nothing_to_do_for_an_account_whose_owner_was_faster(self, acme, sam, otto):
        account = make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        automatic_disconnect.disconnect_in_transaction(
            integration=account.integrations.get(), trigger=PurgeTrigger.OWNER, at=timezone.now()
        )

        run_worker(bulk)

        assert reload(bulk).state == BulkState.DONE
        assert PurgeJob.objects.get().trigger == PurgeTrigger.OWNER
        assert list_states(bulk) == []

    def test_raises_an_alarm_once(self, acme, sam, otto):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        Alarm.objects.all().delete()
        run_worker(bulk)
        Alarm.objects.update(settled_at=timezone.now(), settled_reason="Seen.")
        BulkRevocation.objects.update(state=BulkState.RUNNING, ended_at=None)

        run_worker(bulk)

        alarm = Alarm.objects.get(kind="support.bulk_approved")
        assert alarm.about == bulk.id
        assert alarm.body == {"connections": 1}

    def test_is_recorded_with_pseudonyms_of_both_people(self, acme, sam, otto):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        run_worker(bulk)

        proposed, approved, done = list_events(bulk)
        agent, second = (entries.get_ledger_pseudonym(person.id) for person in (sam, otto))
        assert proposed["event"] == "bulk_revocation.proposed"
        assert proposed["body"]["agent"] == agent
        assert proposed["body"]["organisation"] == entries.get_ledger_pseudonym(acme.id)
        assert approved["event"] == "bulk_revocation.approved"
        assert approved["body"] == {
            "agent": agent, "decided_by": second, "connections": 1, "people": 1
        }  # fmt: skip
        assert done["event"] == "bulk_revocation.done"
        assert done["body"] == {
            "agent": agent, "decided_by": second, "done": 1, "unnecessary": 0, "failed": 0
        }  # fmt: skip
        (settled,) = list_events(SupportAct.objects.get())
        assert settled["event"] == "support.act_done"

    @pytest.mark.parametrize(
        "change", [{"is_active": False, "deactivated_at": timezone.now()}, {"role": Role.REVIEWER}]
    )
    @pytest.mark.parametrize("who", ["sam", "otto"])
    def test_stops_if_one_of_the_two_is_no_longer_staff(self, acme, sam, otto, who, change):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        person = {"sam": sam, "otto": otto}[who]
        type(person).objects.filter(id=person.id).update(**change)

        run_worker(bulk)

        assert reload(bulk).state == BulkState.STOPPED
        assert reload(bulk).stopped_by is None
        assert not list_revoked()
        assert list_events(bulk)[-1]["event"] == "bulk_revocation.stopped"

    def test_stops_between_two_batches_if_the_agent_is_no_longer_staff(
        self, acme, sam, otto, monkeypatch
    ):
        monkeypatch.setattr(bulk_runner, "BATCH", 1)
        for _ in range(2):
            make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        carry_out = bulk_act.carry_out

        def demote_afterwards(act_id, **values):
            # The rights of a worker change no role.
            monkeypatch.setattr(bulk_runner, "get_role_permissions", lambda **_: frozenset())
            return carry_out(act_id, **values)

        monkeypatch.setattr(bulk_act, "carry_out", demote_afterwards)
        run_worker(bulk)

        assert list_states(bulk) == [SupportActState.DONE, SupportActState.STOPPED]

    def test_does_not_run_if_an_operator_is_named_as_the_proposer(self, acme, sam, otto):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        olga = make_agent("olga", Role.OPERATOR)
        BulkRevocation.objects.update(agent_id=olga.id)

        run_worker(bulk)

        assert not list_revoked()

    def test_does_not_run_if_a_member_is_named_as_the_second_person(self, acme, sam):
        account = make_account(acme)
        bulk = propose(sam, organisation_id=acme.id)
        run_worker(bulk)
        BulkRevocation.objects.update(state=BulkState.RUNNING, decided_by=account.user_id)

        run_worker(bulk)

        assert not list_revoked()


class TestAFailingAccount:
    def test_does_not_stop_the_others(self, acme, sam, otto, monkeypatch):
        accounts = [make_account(acme) for _ in range(3)]
        broken = accounts[1]
        disconnect = bulk_act.disconnect_for_support

        def fail(*, act, **values):
            if act.connection_id == broken.id:
                raise ZeroDivisionError
            return disconnect(act=act, **values)

        monkeypatch.setattr(bulk_act, "disconnect_for_support", fail)
        bulk = begin(sam, otto, organisation_id=acme.id)
        at = timezone.now()
        for minute in range(4):
            run_worker(bulk, now=lambda minute=minute: at + timedelta(minutes=minute))

        bulk = reload(bulk)
        assert bulk.state == BulkState.DONE
        assert bulk.counts["progress"]["failed"] == 1
        assert list_revoked() == {accounts[0].id, accounts[2].id}
        failed = SupportAct.objects.get(connection=broken)
        assert [event["event"] for event in list_events(failed)] == ["support.act_failed"]
        assert (failed.state, failed.try_count) == (SupportActState.FAILED, bulk_act.MAX_TRIES)
        assert Alarm.objects.get(kind="support.bulk_failed").about == bulk.id

    def test_is_tried_again(self, acme, sam, otto, monkeypatch):
        account = make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        at = timezone.now()
        with monkeypatch.context() as patch:
            patch.setattr(bulk_act, "disconnect_for_support", None)
            run_worker(bulk, now=lambda: at)
        with acting_as(ProcessClass.PURGE):
            assert bulk_runner.list_due_bulks(at=at) == []
            # The act waits for this worker, and not for the one of single acts.
            later = at + timedelta(minutes=1)
            assert act_rows.list_due_acts(act_rows.PURGE_KINDS, at=later) == []

        run_worker(bulk, now=lambda: at + timedelta(minutes=1))

        assert list_revoked() == {account.id}
        assert reload(bulk).state == BulkState.DONE


class TestRetention:
    def test_deletes_an_ended_one_after_ninety_days(self, sam):
        at = timezone.now()
        bulk = propose(sam, provider="google")
        with acting_as(ProcessClass.PURGE):
            retention.delete_old_rows(at=at + timedelta(days=91))
        assert reload(bulk).state == BulkState.COUNTING
        stop(bulk, sam)

        with acting_as(ProcessClass.PURGE):
            retention.delete_old_rows(at=at + timedelta(days=89))
            assert BulkRevocation.objects.exists()
            retention.delete_old_rows(at=at + timedelta(days=91))

        assert not BulkRevocation.objects.exists()


class TestStop:
    @pytest.mark.claim("bulk.stop")
    def test_ends_within_one_batch(self, acme, sam, otto, monkeypatch):
        assert bulk_runner.BATCH == 50
        monkeypatch.setattr(bulk_runner, "BATCH", 2)
        for _ in range(5):
            make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        carry_out = bulk_act.carry_out

        def stop_first(act_id, **values):
            if reload(bulk).state == BulkState.RUNNING:
                bulk_revocation.stop_bulk(bulk.id, actor=actor_of(otto), at=timezone.now())
            return carry_out(act_id, **values)

        monkeypatch.setattr(bulk_act, "carry_out", stop_first)
        run_worker(bulk)

        assert list_states(bulk) == [SupportActState.DONE] * 2 + [SupportActState.STOPPED] * 3
        assert len(list_revoked()) == 2
        stopped = reload(bulk)
        assert stopped.state == BulkState.STOPPED
        assert stopped.counts["progress"]["stopped"] == 3
        assert stopped.lease_by is None

    def test_settles_waiting_acts_without_a_worker_at_work(self, acme, sam, otto, monkeypatch):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        with monkeypatch.context() as patch:
            patch.setattr(bulk_act, "disconnect_for_support", None)
            run_worker(bulk)
        stop(bulk, otto)

        with acting_as(ProcessClass.PURGE):
            assert bulk_runner.list_due_bulks(at=timezone.now()) == [bulk.id]
        run_worker(bulk)

        assert list_states(bulk) == [SupportActState.STOPPED]
        with acting_as(ProcessClass.PURGE):
            assert bulk_runner.list_due_bulks(at=timezone.now()) == []

    def test_before_the_first_account_leaves_no_act(self, acme, sam, otto, monkeypatch):
        make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        monkeypatch.setattr(bulk_runner, "_announce", lambda _: stop(bulk, otto))

        run_worker(bulk)

        assert reload(bulk).state == BulkState.STOPPED
        assert list_states(bulk) == []

    def test_takes_a_proposal_back(self, acme, sam):
        bulk = propose(sam, organisation_id=acme.id)
        stop(bulk, sam)

        run_worker(bulk)

        assert reload(bulk).state == BulkState.STOPPED
        assert reload(bulk).counted_at is None

    def test_is_not_possible_after_the_end(self, acme, sam, otto):
        bulk = begin(sam, otto, organisation_id=acme.id)
        run_worker(bulk)

        with pytest.raises(BulkNotOpen):
            stop(bulk, otto)
        assert reload(bulk).state == BulkState.DONE


class TestAWorker:
    class Killed(BaseException):
        pass

    def test_that_is_killed_is_followed_by_another(self, acme, sam, otto, monkeypatch):
        accounts = [make_account(acme) for _ in range(4)]
        bulk = begin(sam, otto, organisation_id=acme.id)
        carry_out, calls = bulk_act.carry_out, []

        def kill_at_third(act_id, **values):
            calls.append(act_id)
            if len(calls) == 3:
                raise self.Killed
            return carry_out(act_id, **values)

        with monkeypatch.context() as patch:
            patch.setattr(bulk_act, "carry_out", kill_at_third)
            with pytest.raises(self.Killed):
                run_worker(bulk)
        assert len(list_revoked()) == 2
        at = timezone.now()
        with acting_as(ProcessClass.PURGE):
            # Its lease has not expired.
            assert bulk_runner.list_due_bulks(at=at) == []
            assert bulk_runner.list_due_bulks(at=at + bulk_runner.LEASE) == [bulk.id]

        run_worker(bulk, now=lambda: at + bulk_runner.LEASE)

        assert list_states(bulk) == [SupportActState.DONE] * 4
        assert list_revoked() == {account.id for account in accounts}
        assert PurgeJob.objects.count() == 4
        assert reload(bulk).counts["progress"]["done"] == 4

    def test_that_is_killed_by_the_same_account_each_time_fails_it(
        self, acme, sam, otto, monkeypatch
    ):
        accounts = [make_account(acme) for _ in range(3)]
        deadly = accounts[0]
        bulk = begin(sam, otto, organisation_id=acme.id)
        disconnect, at = bulk_act.disconnect_for_support, timezone.now()

        def kill(*, act, **values):
            if act.connection_id == deadly.id:
                raise self.Killed
            return disconnect(act=act, **values)

        monkeypatch.setattr(bulk_act, "disconnect_for_support", kill)
        for number in range(bulk_act.MAX_TRIES):
            began_at = at + number * bulk_runner.LEASE
            with pytest.raises(self.Killed):
                run_worker(bulk, now=lambda began_at=began_at: began_at)
        run_worker(bulk, now=lambda: at + bulk_act.MAX_TRIES * bulk_runner.LEASE)

        assert reload(bulk).state == BulkState.DONE
        assert list_revoked() == {account.id for account in accounts[1:]}
        assert SupportAct.objects.get(connection=deadly).state == SupportActState.FAILED
        assert Alarm.objects.filter(kind="support.bulk_failed", about=bulk.id).exists()

    def test_that_is_killed_while_it_counts_is_followed_by_another(self, acme, sam, monkeypatch):
        make_account(acme)
        bulk = propose(sam, organisation_id=acme.id)

        def kill(*_, **__):
            raise self.Killed

        with monkeypatch.context() as patch:
            patch.setattr("integrations.support.bulk_matches.count_matches", kill)
            with pytest.raises(self.Killed):
                run_worker(bulk)
        later = timezone.now() + bulk_runner.LEASE
        run_worker(bulk, now=lambda: later)

        assert reload(bulk).counts["connections"] == 1

    def test_that_fails_to_count_raises_an_alarm_and_is_followed_by_another(
        self, acme, sam, monkeypatch
    ):
        make_account(acme)
        bulk, at = propose(sam, organisation_id=acme.id), timezone.now()
        with monkeypatch.context() as patch:
            patch.setattr("integrations.support.bulk_matches.count_matches", None)
            assert not run_worker(bulk, now=lambda: at)
            run_worker(bulk, now=lambda: at + bulk_runner.LEASE)

        assert Alarm.objects.get(kind="support.bulk_crashed").about == bulk.id
        assert reload(bulk).state == BulkState.COUNTING
        with acting_as(ProcessClass.PURGE):
            assert bulk_runner.list_due_bulks(at=at + 2 * bulk_runner.LEASE) == [bulk.id]

        run_worker(bulk, now=lambda: at + 2 * bulk_runner.LEASE)

        assert reload(bulk).state == BulkState.PROPOSED

    def test_whose_lease_expired_settles_no_act_twice(self, acme, sam, otto, monkeypatch):
        """The second one overtakes the first one in the middle of a batch."""
        for _ in range(4):
            make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)
        carry_out, calls = bulk_act.carry_out, []

        def be_overtaken(act_id, **values):
            calls.append(act_id)
            if len(calls) == 2:
                later = timezone.now() + bulk_runner.LEASE
                assert not bulk_runner.run_bulk(bulk_id=bulk.id, now=lambda: later)
            return carry_out(act_id, **values)

        monkeypatch.setattr(bulk_act, "carry_out", be_overtaken)
        assert not run_worker(bulk)

        assert PurgeJob.objects.count() == 4
        assert reload(bulk).state == BulkState.DONE
        assert reload(bulk).counts["progress"]["done"] == 4
        assert [event["event"] for event in list_events(bulk)].count("bulk_revocation.done") == 1

    def test_gives_other_tasks_their_turn(self, acme, sam, otto, monkeypatch):
        monkeypatch.setattr(bulk_runner, "BATCH", 1)
        monkeypatch.setattr(bulk_runner, "RUN_LASTS", timedelta(0))
        for _ in range(2):
            make_account(acme)
        bulk = begin(sam, otto, organisation_id=acme.id)

        assert run_worker(bulk)
        assert len(list_revoked()) == 1
        assert run_worker(bulk)
        assert not run_worker(bulk)
        assert reload(bulk).state == BulkState.DONE

    def test_does_nothing_for_an_unknown_id_and_an_ended_one(self, acme, sam, otto):
        bulk = begin(sam, otto, organisation_id=acme.id)
        run_worker(bulk)
        before = reload(bulk).counts

        assert not run_worker(bulk)
        assert reload(bulk).counts == before
        assert make_proposal(provider="google").has_criterion
