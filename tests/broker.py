"""Brokers of single tests: none that answers, or one in memory whose messages the test works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from queue import Empty
from typing import Any

import pytest

from config.celery import app
from config.process_classes import TASKS, WORKERS
from integrations.models import SyncWork
from tests.walls import acting_as


@contextmanager
def using_broker(url: str, tls: dict[str, Any] | None = None) -> Iterator[None]:
    """Point our Celery application at another broker, with these options of TLS."""
    before = app.conf.broker_url, app.conf.broker_use_ssl
    _set_broker(url, tls)
    try:
        yield
    finally:
        _set_broker(*before)


def broker_down() -> AbstractContextManager[None]:
    """Point our Celery application at a port where nobody listens."""
    return using_broker("redis://127.0.0.1:1/0")


def _set_broker(url: str, tls: dict[str, Any] | None) -> None:
    app.conf.broker_url = app.conf.broker_write_url = url
    app.conf.broker_use_ssl = tls
    # What Celery does in a forked child: connections of before are not used again.
    app._after_fork()
    app.set_current()
    app.__dict__.pop("amqp", None)
    app._pool = None


@dataclass(frozen=True)
class Message:
    """A message that was enqueued: the task's name, its arguments, and Celery's options."""

    task: str
    ids: dict[str, str]
    options: dict[str, Any] = field(default_factory=dict, compare=False)


def sync_message(work: SyncWork) -> Message:
    """Return the message that has a worker sync this resource."""
    return Message("integrations.sync_mail", {"work_id": str(work.id)})


def record_messages(monkeypatch: pytest.MonkeyPatch) -> list[Message]:
    """Record what is enqueued from now on in place of sending it, and return the growing list."""
    messages: list[Message] = []

    def send_task(task: str, *, kwargs: dict[str, str], **options: Any) -> None:
        messages.append(Message(task, kwargs, options))

    monkeypatch.setattr(app, "send_task", send_task)
    return messages


class Workers:
    """A worker of each class, for the messages that were queued so far."""

    def __init__(self) -> None:
        # Tasks are enqueued by name: nothing else has imported them.
        app.loader.import_default_modules()

    def run(self) -> list[tuple[str, dict[str, str]]]:
        """Run every queued task with the rights of its class, and return names and arguments."""
        return [self._run(*message) for queue in WORKERS for message in self._take(queue)]

    def _take(self, queue: str) -> Iterator[tuple[str, dict[str, str]]]:
        with app.connection_for_read() as connection, connection.SimpleQueue(queue) as messages:
            while True:
                try:
                    message = messages.get_nowait()
                except Empty:
                    return
                message.ack()
                _, arguments, _ = message.payload
                yield message.headers["task"], arguments

    def _run(self, name: str, arguments: dict[str, str]) -> tuple[str, dict[str, str]]:
        with acting_as(TASKS[name]):
            app.tasks[name](**arguments)
        return name, arguments


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Queue into a broker of this test's own, and return workers that take from it."""
    with using_broker("memory://"):
        found = Workers()
        for queue in WORKERS:
            list(found._take(queue))
        yield found
