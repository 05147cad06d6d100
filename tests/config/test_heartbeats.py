"""Which queues have a consumer: recorded by those who consume, and looked at by every process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError, ProgrammingError, transaction
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Alarm
from config import heartbeats as processes
from config.heartbeats import DUTIES, HeartbeatThread
from config.process_classes import ProcessClass
from integrations.models import Heartbeat
from integrations.operations import heartbeats, parser_counts
from integrations.operations.metrics_endpoint import prometheus_exposition
from integrations.parsers import refusal_counts
from tests.walls import acting_as

SECOND = timedelta(seconds=1)
WORKING = [ProcessClass.SYNC, ProcessClass.PURGE]


@pytest.fixture
def at():
    return timezone.now()


@pytest.fixture(autouse=True)
def keep_connection(monkeypatch):
    """Each heart closes the connections of its thread; the test's own must stay open."""
    monkeypatch.setattr("config.heartbeats.connections.close_all", lambda: None)


def missing(at):
    return [one.duty for one in heartbeats.list_missing(DUTIES, at=at)]


def windows():
    return sorted(Alarm.objects.filter(kind="workers.missing").values_list("window", flat=True))


class TestDuties:
    def test_are_every_queue_and_the_schedule(self):
        assert DUTIES == ("sync", "purge", "beat")


@pytest.mark.django_db
class TestMissing:
    def test_is_what_was_never_seen_or_not_for_a_minute(self, at):
        assert missing(at) == ["beat", "purge", "sync"]

        heartbeats.record_heartbeats(DUTIES, at=at)
        assert missing(at + heartbeats.MISSING_AFTER) == []
        assert missing(at + heartbeats.MISSING_AFTER + SECOND) == ["beat", "purge", "sync"]

        heartbeats.record_heartbeats(["sync"], at=at + heartbeats.MISSING_AFTER)
        assert missing(at + heartbeats.MISSING_AFTER + SECOND) == ["beat", "purge"]
        assert Heartbeat.objects.count() == len(DUTIES)

    def test_survives_two_lost_heartbeats(self):
        assert heartbeats.MISSING_AFTER >= 3 * heartbeats.INTERVAL


@pytest.mark.django_db
class TestAlarm:
    def test_is_raised_once_for_each_duty_and_outage(self, at):
        heartbeats.record_heartbeats(["sync", "beat"], at=at)
        heartbeats.record_heartbeats(["purge"], at=at - timedelta(minutes=5))

        for seconds in range(3):
            heartbeats.sound_alarms(DUTIES, at=at + seconds * SECOND)

        (alarm,) = Alarm.objects.all()
        assert (alarm.kind, alarm.body) == ("workers.missing", {"queue": "purge"})

        # It comes back, and is lost again.
        heartbeats.record_heartbeats(DUTIES, at=at)
        heartbeats.sound_alarms(DUTIES, at=at + SECOND)
        assert Alarm.objects.count() == 1
        heartbeats.record_heartbeats(["sync", "beat"], at=at + timedelta(minutes=2))
        heartbeats.sound_alarms(DUTIES, at=at + timedelta(minutes=2))
        assert [one.split()[0] for one in windows()] == ["purge", "purge"]

    def test_names_what_never_ran(self, at):
        heartbeats.sound_alarms(DUTIES, at=at)

        assert windows() == ["beat never", "purge never", "sync never"]


@pytest.fixture
def _nothing_counted():
    """Drop what earlier tests counted in this process: a heart writes it down."""
    refusal_counts.take_parser_counts()


@pytest.mark.django_db
@pytest.mark.usefixtures("_nothing_counted")
class TestHeart:
    @pytest.mark.parametrize("process_class", WORKING)
    def test_of_a_worker_has_the_rights_that_it_needs(self, process_class):
        with acting_as(process_class):
            HeartbeatThread([process_class]).record_duties(may_alarm=True)
            HeartbeatThread([process_class]).record_duties(may_alarm=True)

        assert list(Heartbeat.objects.values_list("duty", flat=True)) == [process_class]
        assert len(windows()) == 2

    def test_of_the_web_looks_and_records_nothing(self):
        with acting_as(ProcessClass.WEB):
            HeartbeatThread(()).record_duties(may_alarm=False)
            assert windows() == []
            HeartbeatThread(()).record_duties(may_alarm=True)

        assert not Heartbeat.objects.exists()
        assert len(windows()) == 3

    @pytest.mark.parametrize("process_class", [ProcessClass.WEB, ProcessClass.CONSOLE])
    def test_is_recorded_by_no_process_that_does_not_work(self, process_class, at):
        with (
            acting_as(process_class),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
        ):
            heartbeats.record_heartbeats(["purge"], at=at)

    def test_goes_on_when_the_database_is_away(self, monkeypatch, caplog):
        def raise_operational_error(*_, **__):
            raise OperationalError

        monkeypatch.setattr(heartbeats, "record_heartbeats", raise_operational_error)
        HeartbeatThread(["purge"]).record_duties(may_alarm=True)

        assert [record.msg for record in caplog.records] == ["heartbeat.failed"]

    def test_stops_when_it_is_told(self, monkeypatch):
        monkeypatch.setattr(HeartbeatThread, "record_duties", lambda *_, **__: None)
        heart = HeartbeatThread(())
        heart.start()
        heart.stop_beating()
        heart.join(timeout=10)

        assert not heart.is_alive()


@pytest.mark.django_db
class TestFigures:
    def test_say_when_each_duty_was_last_performed(self, at):
        heartbeats.record_heartbeats(["purge"], at=at)

        with acting_as(ProcessClass.STAFF):
            found = list(
                text_string_to_metric_families(prometheus_exposition.render_metrics().decode())
            )

        (family,) = [one for one in found if one.name == "antares_worker_seen_timestamp_seconds"]
        (sample,) = family.samples
        assert sample.labels == {"duty": "purge"}
        assert sample.value == pytest.approx(at.timestamp(), abs=0.001)


@pytest.mark.django_db
class TestTheLineAtTheStart:
    def test_names_each_queue_without_a_consumer(self, at, capsys):
        heartbeats.record_heartbeats(["sync"], at=at)

        processes.report_missing_duties()

        assert capsys.readouterr().err == (
            "workers: no beat keeps the schedule\nworkers: no worker consumes the queue purge\n"
        )

    def test_is_not_there_when_all_run(self, at, capsys):
        heartbeats.record_heartbeats(DUTIES, at=at)

        processes.report_missing_duties()

        assert capsys.readouterr().err == ""


@pytest.mark.django_db
class TestCountsOfParsers:
    @pytest.fixture(autouse=True)
    def begin_at_zero(self):
        refusal_counts.take_parser_counts()
        yield
        refusal_counts.take_parser_counts()

    @pytest.mark.parametrize(
        "process_class", [ProcessClass.WEB, ProcessClass.STAFF, ProcessClass.SYNC]
    )
    def test_are_added_up_with_each_beat_and_shown(self, process_class):
        refusal_counts.count_event("busy")
        refusal_counts.count_event("too_costly", 2)
        with acting_as(process_class):
            HeartbeatThread(()).record_duties(may_alarm=False)
        refusal_counts.count_event("too_costly")
        with acting_as(process_class):
            HeartbeatThread(()).record_duties(may_alarm=False)

        with acting_as(ProcessClass.STAFF):
            shown = prometheus_exposition.render_metrics().decode()
        totals = {
            sample.labels["event"]: sample.value
            for family in text_string_to_metric_families(shown)
            for sample in family.samples
            if sample.name == "antares_parsers_total"
        }
        assert totals == {"busy": 1, "restarted": 0, "too_costly": 3}

    def test_are_kept_while_the_database_is_away(self, monkeypatch):
        refusal_counts.count_event("busy")
        refusal_counts.count_event("too_costly", 2)

        def fail_unless_busy(event, _):
            if event != "busy":
                raise OperationalError

        with monkeypatch.context() as patched:
            patched.setattr(parser_counts, "_add_count", fail_unless_busy)
            HeartbeatThread(()).record_duties(may_alarm=False)

        # What was added is not added again.
        assert refusal_counts.take_parser_counts() == {"too_costly": 2}
