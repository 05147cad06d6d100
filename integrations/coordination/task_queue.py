"""
Enqueue tasks by name, so that no module imports a task to enqueue it.

A message is a hint, not a promise: the work of each task is in a row that a sweep finds, so a
message that the broker loses only makes it late. A message holds ids and nothing else.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError


def enqueue(task: str, *, expires: float | None = None, **ids: UUID) -> bool:
    """
    Ask a worker to run a task; return whether the broker accepted the message.

    The broker is tried once: a request does not wait for a broker that is down.

    :param expires: seconds after which no worker runs the task; None: no limit
    """
    return _send_once(task, ids, expires)


def enqueue_on_commit(task: str, **ids: UUID) -> None:
    """Enqueue a task after the caller's transaction has committed; an error there is logged."""
    transaction.on_commit(partial(_send_once, task, ids), robust=True)


def enqueue_until_sweep(task: str, **ids: UUID) -> None:
    """
    Enqueue a task from a worker, for work that later sweeps enqueue again.

    The message expires after two sweeps, so that none pile up while no worker runs. Celery tries
    the broker several times.

    :raises kombu.exceptions.OperationalError: if the broker is down
    """
    _send_task(task, ids, expires=2 * settings.SWEEP_SECONDS, retry=True)


def _send_once(task: str, ids: dict[str, UUID], expires: float | None = None) -> bool:
    try:
        _send_task(task, ids, expires=expires, retry=False)
    except (OperationalError, OSError):
        return False
    return True


def _send_task(task: str, ids: dict[str, UUID], *, expires: float | None, retry: bool) -> None:
    current_app.send_task(
        task,
        kwargs={name: str(value) for name, value in ids.items()},
        expires=expires,
        retry=retry,
        ignore_result=True,
    )
