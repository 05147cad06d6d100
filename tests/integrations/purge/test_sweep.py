"""Promises that are late, jobs that nobody works on, key epochs that have to end."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Alarm
from integrations import purge
from integrations.models import PurgeJob, PurgeStep
from integrations.purge.overdue_sweep import PurgePromise
from integrations.tasks import purge as tasks
from limited_use.models import KeyEpoch
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import rotation_schedule
from limited_use.tasks import turn_key_epoch
from tests.broker import Message, broker_down, record_messages
from tests.integrations.purge import holdings
from tests.integrations.purge.conftest import NOW, open_purge_job
from tests.integrations.purge.test_engine import run_purge_to_end


def promises(at):
    return {late.promise for late in purge.list_late_promises(at=at)}


class TestDue:
    def test_finds_a_job_that_nobody_queued(self, mailbox):
        job = open_purge_job(mailbox)

        assert purge.list_due_jobs(at=NOW) == [job.id]

    def test_leaves_out_what_waits_and_what_is_done(self, mailbox, google, clock):
        google.answer = (503, {})
        purge.run_purge(job_id=(job := open_purge_job(mailbox)).id, now=clock)

        assert purge.list_due_jobs(at=NOW) == []
        assert purge.list_due_jobs(at=NOW + timedelta(minutes=1)) == [job.id]
        clock.advance(minutes=1)
        run_purge_to_end(job, clock)
        assert purge.list_due_jobs(at=clock() + timedelta(days=9)) == []


@pytest.mark.invariant(6)
@pytest.mark.clause("AN-15")
class TestOverdue:
    def test_is_empty_while_every_promise_is_kept(self, mailbox):
        open_purge_job(mailbox)

        assert purge.list_late_promises(at=NOW + timedelta(minutes=59)) == []

    @pytest.mark.claim("data-use.disconnect")
    def test_names_rows_that_are_still_there_after_an_hour(self, mailbox):
        open_purge_job(mailbox)

        assert promises(NOW + timedelta(minutes=61)) == {PurgePromise.ROWS_GONE}

    def test_names_a_receipt_that_is_not_written_after_a_day(self, mailbox, google, clock):
        google.answer = (503, {})
        purge.run_purge(job_id=open_purge_job(mailbox).id, now=clock)

        late = promises(NOW + timedelta(hours=25, minutes=1))

        assert late == {PurgePromise.RECEIPT_WRITTEN, PurgePromise.KEY_EPOCH_DESTROYED}

    def test_names_a_key_epoch_that_outlives_its_day(self, mailbox, clock):
        run_purge_to_end(open_purge_job(mailbox), clock)
        late = NOW + timedelta(hours=24, minutes=1)

        assert promises(late) == {PurgePromise.KEY_EPOCH_DESTROYED}
        KeyEpoch.objects.filter(line=KeyLine.CONTENT).update(destroyed_at=NOW, entry_id=purge_id())
        assert promises(late) == set()


def purge_id():
    return PurgeJob.objects.get().id


@pytest.mark.invariant(6)
class TestTurnKeyEpoch:
    @pytest.mark.claim("data-use.key-epochs", "erase.at-once", "receipt.part-2-later")
    def test_is_as_short_for_every_key_but_those_of_local_calendars(self, settings):
        lines = set(KeyLine) - {KeyLine.OWN}

        assert {rotation_schedule.get_max_hours(line) for line in lines} == {
            settings.KEY_EPOCH_HOURS
        }
        assert settings.KEY_EPOCH_HOURS <= 24

    @pytest.mark.django_db
    @pytest.mark.claim("data-use.key-epochs")
    @pytest.mark.parametrize(
        ("backup_days", "epoch_hours", "says"),
        [(30, 24, "30 days"), (0, 24, "1 day"), (0, 12, "1 day"), (1, 36, "2 days")],
    )
    def test_of_local_calendars_is_on_the_page_and_not_too_short(
        self, settings, backup_days, epoch_hours, says
    ):
        settings.BACKUP_RETENTION_DAYS, settings.KEY_EPOCH_HOURS = backup_days, epoch_hours

        page = " ".join(Client().get("/data-use/").text.split())

        assert f"replaced and destroyed every {epoch_hours} hours" in page
        assert f"at least every {says}." in page
        assert rotation_schedule.get_max_hours(KeyLine.OWN) <= int(says.split()[0]) * 24

    @pytest.mark.claim(
        "data-use.key-epochs",
        "data-use.disconnect",
        "receipt.part-2-later",
        "erase.at-once",
    )
    def test_is_over_before_the_promise_is(self, mailbox):
        before, after = NOW + timedelta(hours=22), NOW + timedelta(hours=23, minutes=1)

        assert not rotation_schedule.is_rotation_due(KeyLine.CONTENT, at=before, max_hours=24)
        assert rotation_schedule.is_rotation_due(KeyLine.CONTENT, at=after, max_hours=24)

    @pytest.mark.claim("mail.part-2")
    @pytest.mark.claim("data-use.key-epochs", "data-use.disconnect", "receipt.part-2-later")
    def test_keeps_the_promise_of_a_key_that_was_destroyed(self, mailbox, clock):
        job = run_purge_to_end(open_purge_job(mailbox), clock)
        KeyEpoch.objects.update(began_at=timezone.now() - timedelta(hours=23, minutes=30))

        turn_key_epoch()

        ended = KeyEpoch.objects.get(line=KeyLine.CONTENT, number=job.content_kek_epoch)
        assert ended.destroyed_at is not None
        assert promises(NOW + timedelta(days=2)) == set()


class TestSweepPurges:
    def test_sounds_an_alarm_once_for_each_promise_that_is_late(self, mailbox):
        job = open_purge_job(mailbox, at=timezone.now() - timedelta(hours=2))

        tasks.sweep_purges()
        tasks.sweep_purges()

        alarm = Alarm.objects.get(kind="purge.overdue")
        assert (alarm.about, alarm.window) == (job.id, PurgePromise.ROWS_GONE)

    def test_survives_a_broker_that_is_down(self, mailbox, google):
        open_purge_job(mailbox, at=timezone.now())

        with broker_down():
            tasks.sweep_purges()

        assert PurgeJob.objects.get().step == PurgeStep.FENCED


class TestCommands:
    def call(self, name, *arguments):
        out = StringIO()
        call_command(name, *arguments, stdout=out)
        return out.getvalue()

    @pytest.mark.scenario("X1")
    def test_purge_runs_what_is_due_where_no_worker_lives(self, mailbox):
        job = open_purge_job(mailbox, at=timezone.now())

        assert self.call("purge") == f"{job.id} done\n"
        assert self.call("purge") == "nothing is due\n"
        assert self.call("purge", str(job.id)) == f"{job.id} done\n"

    def test_purge_knows_no_other_job(self, mailbox):
        with pytest.raises(CommandError):
            self.call("purge", str(mailbox.id))

    def test_overdue_purges_exits_non_zero_if_a_promise_is_late(self, mailbox):
        assert self.call("overdue_purges") == "no promise is overdue\n"
        open_purge_job(mailbox, at=timezone.now() - timedelta(hours=2))

        with pytest.raises(SystemExit) as caught:
            self.call("overdue_purges")

        assert caught.value.code == 1


class TestSweepTask:
    def test_queues_another_purge_of_the_connection_that_waited_for_it(
        self, mailbox, google, monkeypatch
    ):
        calendars = holdings.integration(mailbox.connection, at=NOW, product="calendar", messages=0)
        at = timezone.now()
        waiting, last = open_purge_job(mailbox, at=at), open_purge_job(calendars, at=at)
        queued = record_messages(monkeypatch)

        tasks.purge_integration(job_id=str(waiting.id))
        tasks.purge_integration(job_id=str(last.id))

        waiting.refresh_from_db()
        assert (waiting.step, waiting.revocation) == ("verified", "pending")
        assert queued[-1] == Message("integrations.purge_integration", {"job_id": str(waiting.id)})
