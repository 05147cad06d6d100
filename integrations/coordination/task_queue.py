"""
Enqueue tasks by name, so that no module imports a task, and count those that wait.

A message holds ids only and is a hint: each task's work is in a row that a sweep finds, so a lost
message only delays it.
"""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

#: A read from the broker gives up after this, so that the measuring task does not hang.
_READ_SECONDS: Final = 2


def list_queues() -> list[str]:
    return sorted({route["queue"] for route in settings.CELERY_TASK_ROUTES.values()})


def count_waiting_tasks() -> dict[str, int]:
    """
    Return the number of tasks that wait in each queue; empty if the broker does not answer.

    A task that a worker has taken waits no longer.
    """
    connection = current_app.connection_for_read(
        transport_options={"socket_timeout": _READ_SECONDS}
    )
    with connection:
        try:
            channel = connection.channel()
            # Redis keeps no empty lists, so the queues are declared, not looked up.
            declared = {queue: channel.queue_declare(queue=queue) for queue in list_queues()}
            return {queue: int(answer.message_count) for queue, answer in declared.items()}
        except (OperationalError, *connection.connection_errors, *connection.channel_errors):
            return {}


def enqueue(
    task: str, *, expires: float | None = None, delay: float | None = None, **ids: UUID
) -> bool:
    """
    Return whether the broker accepted the message. One try suffices: a request does not wait for
    a broker that is down.

    :param expires: seconds
    :param delay: seconds until a worker starts it
    """
    return _send_once(task, ids, expires, delay=delay)


def enqueue_on_commit(task: str, *, delay: float | None = None, **ids: UUID) -> None:
    """
    Log an error instead of raising it.

    :param delay: seconds until a worker starts it
    """
    transaction.on_commit(partial(_send_once, task, ids, delay=delay), robust=True)


def enqueue_until_sweep(task: str, **ids: UUID) -> None:
    """
    Enqueue work that later sweeps enqueue again: the message expires after two sweeps, so that
    none pile up without a worker. Celery retries.

    :raises kombu.exceptions.OperationalError:
    """
    _send_task(task, ids, expires=2 * settings.SWEEP_SECONDS, retry=True)


def _send_once(
    task: str, ids: dict[str, UUID], expires: float | None = None, *, delay: float | None = None
) -> bool:
    try:
        _send_task(task, ids, expires=expires, retry=False, delay=delay)
    except (OperationalError, OSError):
        return False
    return True


def _send_task(
    task: str,
    ids: dict[str, UUID],
    *,
    expires: float | None,
    retry: bool,
    delay: float | None = None,
) -> None:
    current_app.send_task(
        task,
        kwargs={name: str(value) for name, value in ids.items()},
        expires=expires,
        countdown=delay,
        retry=retry,
        ignore_result=True,
    )
