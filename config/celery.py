"""The Celery application: JSON, ids only, no results. Settings begin with CELERY_."""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery, signals
from celery.signals import task_postrun, task_prerun

from config.heartbeats import (
    BEAT,
    HeartbeatStep,
    HeartbeatThread,
    list_queues,
    report_missing_duties,
)
from config.logging import log_uncaught
from config.process_classes import ProcessClass, require_process_class

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("antares")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Otherwise it is current in the importing thread only, and other threads of the web server would
# queue into Celery's default application.
app.set_default()
app.autodiscover_tasks()
app.steps["consumer"].add(HeartbeatStep)


@signals.setup_logging.connect  # type: ignore[untyped-decorator]  # Celery ships no types
def configure_logging(**_: Any) -> None:
    """Replace Celery's logging, which prints arguments: a receiver of this signal prevents it."""
    from django.conf import settings

    logging.config.dictConfig(settings.LOGGING)
    log_uncaught()


@signals.worker_init.connect  # type: ignore[untyped-decorator]
@signals.beat_init.connect  # type: ignore[untyped-decorator]
def protect_memory(**_: Any) -> None:
    """Protect the memory before it holds secrets; forked pool processes inherit the protection."""
    from config import process_hardening
    from integrations.coordination import process_memory

    process_hardening.protect_memory()
    process_memory.release_freed_memory()


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def check_worker_class(sender: Any = None, **_: Any) -> None:
    """Refuse to run tasks with other database rights than they need."""
    from django.conf import settings

    queues = list_queues(sender.app)
    if settings.PROCESS_CLASS and queues != [settings.PROCESS_CLASS]:
        raise SystemExit(
            f"PROCESS_CLASS is {settings.PROCESS_CLASS}, and the queues are {', '.join(queues)}:"
            f" a worker of the class sync or purge runs with --queues of that name"
        )
    if settings.PRODUCTION and not settings.PROCESS_CLASS:
        raise SystemExit("a worker does not run as the owner of the tables: set PROCESS_CLASS")


@signals.beat_init.connect  # type: ignore[untyped-decorator]
def check_beat_class(**_: Any) -> None:
    require_process_class(ProcessClass.PURGE)


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def check_schema(**_: Any) -> None:
    """End the worker unless this version made the schema; the supervisor restarts it."""
    from django.db import DatabaseError, connections

    from config.database.schema_guard import is_schema_current

    try:
        is_current = is_schema_current()
    except DatabaseError:
        raise SystemExit("the database does not answer") from None
    finally:
        connections.close_all()
    if not is_current:
        raise SystemExit("another version made the database's schema: run manage.py migrate")


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def check_restored_keys(**_: Any) -> None:
    """End again everything that was published as ended, after a restore of the database."""
    from django.conf import settings
    from django.db import connections
    from django.utils import timezone

    from integrations.connections import restore_guard

    if settings.PROCESS_CLASS in {"", ProcessClass.PURGE}:
        restore_guard.remove_resurrected(at=timezone.now())
    elif restore_guard.is_pending():
        # This class may end nothing. The supervisor restarts the worker until a purge worker has
        # done it.
        raise SystemExit("a restored database: manage.py apply_tombstones, or start a purge worker")
    # Before the pool forks: processes must not share a connection.
    connections.close_all()


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def report_keyring_fit(**_: Any) -> None:
    from django.db import connections

    from config import keyring_check

    keyring_check.report_keyring_fit()
    connections.close_all()


@signals.beat_init.connect  # type: ignore[untyped-decorator]
def start_beat_heartbeat(**_: Any) -> None:
    HeartbeatThread([BEAT]).start_beating()


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def load_provider_libraries(**_: Any) -> None:
    """
    Import the provider libraries in a sync worker before its first task.

    Other processes import them at their first call of a provider, which most never make. A
    missing or broken library ends the worker.
    """
    from django.conf import settings

    from integrations.providers import load_libraries

    if settings.PROCESS_CLASS not in {"", ProcessClass.SYNC}:
        return
    try:
        load_libraries()
    except Exception as error:
        # A broken library may raise any exception; Celery continues after all but this one.
        raise SystemExit(f"a client library of a provider cannot be imported: {error}") from error


@signals.worker_init.connect  # type: ignore[untyped-decorator]
def load_views(**_: Any) -> None:
    """
    Import all views before the first task.

    Otherwise the first notice imports them for the address of a page: 26 MB in the middle of a
    purge, which every later garbage collection would scan.
    """
    from config.front import preload

    preload.load_views()


# `worker_process_init`: processes of a prefork pool fork before the worker is ready.
@signals.worker_ready.connect  # type: ignore[untyped-decorator]
@signals.worker_process_init.connect  # type: ignore[untyped-decorator]
@signals.beat_init.connect  # type: ignore[untyped-decorator]
def collect_garbage_seldom(**_: Any) -> None:
    from integrations.coordination import process_memory

    process_memory.collect_rarely()


@signals.worker_ready.connect  # type: ignore[untyped-decorator]
@signals.beat_init.connect  # type: ignore[untyped-decorator]
def report_missing_workers(**_: Any) -> None:
    """Log each queue without a worker, after this process has started."""
    from django.db import connections

    report_missing_duties()
    connections.close_all()


@task_prerun.connect  # type: ignore[untyped-decorator]
def set_current_task(task: Any = None, **_: Any) -> None:
    """Tell the egress tripwire the task: its purposes decide whether it may reach a provider."""
    from accounts import row_owner
    from config import egress

    row_owner.clear_owner()
    egress.current_task.set(getattr(task, "name", ""))


@task_postrun.connect  # type: ignore[untyped-decorator]
def clear_current_task(**_: Any) -> None:
    from accounts import row_owner
    from config import egress

    row_owner.clear_owner()
    egress.current_task.set("")


@signals.worker_init.connect  # type: ignore[untyped-decorator]
@signals.beat_init.connect  # type: ignore[untyped-decorator]
def install_egress_tripwire(**_: Any) -> None:
    """Install the tripwire before the pool forks: its processes inherit it."""
    from config import egress

    egress.install_tripwire()
