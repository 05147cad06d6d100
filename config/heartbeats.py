"""
Heartbeats of this process, and its check of all others.

Workers and beat record their duties every 15 seconds. They and the web processes check that all
duties are covered; each of them raises the alarm for a missing one. Each heartbeat also records
how often the parser processes of this process refused a task.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Collection
from time import monotonic
from typing import Any, Final

import django.db
from celery import bootsteps
from django.db import connections
from django.utils import timezone

from config.process_classes import WORKERS

logger = logging.getLogger(__name__)

BEAT: Final = "beat"
#: Duties of any process: consume each queue, keep the schedule.
DUTIES: Final = (*(str(queue) for queue in WORKERS), BEAT)


class HeartbeatThread(threading.Thread):
    """
    Records this process's duties until it is stopped, on its own connection.

    :param duties: none for a web process, which only checks
    """

    def __init__(self, duties: Collection[str]) -> None:
        super().__init__(name="heart", daemon=True)
        self._duties = duties
        self._is_stopped = threading.Event()

    def run(self) -> None:
        from integrations.operations.heartbeats import INTERVAL, MISSING_AFTER

        started_at = monotonic()
        while not self._is_stopped.wait(INTERVAL.total_seconds()):
            # Processes start one after the other, so a young one does not judge others.
            is_old = monotonic() - started_at >= MISSING_AFTER.total_seconds()
            self.record_duties(may_alarm=is_old)

    def start_beating(self) -> None:
        """Record the duties at once, then periodically."""
        self.record_duties(may_alarm=False)
        self.start()

    def record_duties(self, *, may_alarm: bool) -> None:
        """Record the duties once. A failing database is logged; the next heartbeat tries again."""
        from integrations.operations import heartbeats, parser_counts

        try:
            if self._duties:
                heartbeats.record_heartbeats(self._duties, at=timezone.now())
            if may_alarm:
                heartbeats.sound_alarms(DUTIES, at=timezone.now())
            parser_counts.record_counts()
        except django.db.Error as error:
            logger.warning("heartbeat.failed", extra={"error": type(error).__name__})
        finally:
            connections.close_all()

    def stop_beating(self) -> None:
        self._is_stopped.set()


class HeartbeatStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery ships no types
    """A step of Celery's consumer: stops the heartbeat with the broker, and starts it again."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._heart: HeartbeatThread | None = None

    def start(self, consumer: Any) -> None:
        self._heart = HeartbeatThread(list_queues(consumer.app))
        self._heart.start_beating()

    def stop(self, _: Any) -> None:
        if self._heart is not None:
            self._heart.stop_beating()
            self._heart = None


def list_queues(app: Any) -> list[str]:
    return sorted(app.amqp.queues.consume_from)


def report_missing_duties() -> None:
    """Write a line to standard error for each duty that no process performs."""
    from integrations.operations import heartbeats

    try:
        missing = heartbeats.list_missing(DUTIES, at=timezone.now())
    except django.db.Error:
        # The schema check and every request report it.
        return
    for duty, _ in missing:
        logger.warning("workers.missing", extra={"queue": duty})
        sys.stderr.write(f"workers: {describe_missing_duty(duty)}\n")


def describe_missing_duty(duty: str) -> str:
    if duty == BEAT:
        return "no beat keeps the schedule"
    return f"no worker consumes the queue {duty}"
