"""
Heartbeats of this process, and its look at the others.

Workers and beat record what they do every 15 seconds. They and the web processes look whether all
duties are performed: whichever of them runs raises the alarm for those that do not. With the
heartbeat, each adds to the table how often its parser processes refused a task.
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
#: What has to be done by some process: each queue is consumed, and beat keeps the schedule.
DUTIES: Final = (*(str(queue) for queue in WORKERS), BEAT)


class HeartbeatThread(threading.Thread):
    """
    Records this process's duties until it is stopped, on a connection of its own.

    :param duties: what this process does; none for a web process, which only looks
    """

    def __init__(self, duties: Collection[str]) -> None:
        super().__init__(name="heart", daemon=True)
        self._duties = duties
        self._is_stopped = threading.Event()

    def run(self) -> None:
        from integrations.operations.heartbeats import INTERVAL, MISSING_AFTER

        started_at = monotonic()
        while not self._is_stopped.wait(INTERVAL.total_seconds()):
            # Processes start one after the other, so a young one does not judge the others.
            is_old = monotonic() - started_at >= MISSING_AFTER.total_seconds()
            self.record_duties(may_alarm=is_old)

    def start_beating(self) -> None:
        """Record the duties before anything else goes on, and then from time to time."""
        self.record_duties(may_alarm=False)
        self.start()

    def record_duties(self, *, may_alarm: bool) -> None:
        """Record the duties once. A database that is away is logged: the next beat tries again."""
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
    """Part of a worker's consumer: a broker that is lost stops the heart, its return starts it."""

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
    """Return the queues that this worker consumes."""
    return sorted(app.amqp.queues.consume_from)


def report_missing_duties() -> None:
    """Write a line to standard error for each duty that no process performs."""
    from integrations.operations import heartbeats

    try:
        missing = heartbeats.list_missing(DUTIES, at=timezone.now())
    except django.db.Error:
        # The schema's check and every request say so.
        return
    for duty, _ in missing:
        logger.warning("workers.missing", extra={"queue": duty})
        sys.stderr.write(f"workers: {describe_missing_duty(duty)}\n")


def describe_missing_duty(duty: str) -> str:
    """Return one line for an operator about a duty that no process performs."""
    if duty == BEAT:
        return "no beat keeps the schedule"
    return f"no worker consumes the queue {duty}"
