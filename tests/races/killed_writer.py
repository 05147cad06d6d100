"""
A process whose children write an event over HTTP, each killed at a given place of the program.

Reads a JSON object per line of its input. A write has `cookies`, `body` and `key`, and where it is
killed: `line` is the number of the line, counted in the files `steps`, before which it is (0 and
none: it is not killed), and `place` is a file and a function, `web/idempotency.py:complete`, at
whose beginning it is. The answer says how the child ended: `201` and the like are statuses, `-9`
says that it was killed. `{"work": true}` starts a child that runs all syncs that are due.
The process opens no connection itself, so that a child begins with none.
`python -m tests.races.killed_writer`
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402 - after the settings
from django.test import Client  # noqa: E402
from django.urls import resolve  # noqa: E402
from django.utils import timezone  # noqa: E402

import integrations  # noqa: E402
from config.process_classes import ProcessClass  # noqa: E402
from integrations.coordination.leases import NotClaimable  # noqa: E402
from integrations.operations.sync_products import PRODUCTS  # noqa: E402
from integrations.sync import sync_engine, work_leases  # noqa: E402
from tests.races import sequencing  # noqa: E402
from tests.races.writers import WORKER  # noqa: E402
from tests.walls import acting_as  # noqa: E402

# Loaded here once, rather than by each child.
resolve("/v1/users/me/events")

_FOLDER = Path(integrations.__file__).parent


def write(asked: dict[str, Any]) -> int:
    client = Client(headers={"Host": "localhost", "Idempotency-Key": asked["key"]})
    client.cookies.load(asked["cookies"])
    path = "/v1/users/me/events"
    return client.post(path, asked["body"], content_type="application/json").status_code


def start_child(asked: dict[str, Any], answer: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    if "place" in asked:
        sequencing.kill_at(asked["place"], folder=_FOLDER)
    elif asked["line"]:
        steps = {str(_FOLDER / name) for name in asked["steps"]}
        sequencing.kill_before(asked["line"], steps=steps)
    os.write(answer, str(write(asked)).encode())
    os._exit(0)


def start_worker() -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('application_name', %s, false)", [WORKER])
    while os.getppid() == parent:
        for work_id in work_leases.get_due_ids(at=timezone.now()):
            do_work(work_id)
        time.sleep(0.02)
    os._exit(0)


def do_work(work_id: Any) -> None:
    try:
        with acting_as(ProcessClass.SYNC):
            sync_engine.run_sync_turn(PRODUCTS, work_id=work_id, at=timezone.now())
    except NotClaimable:
        # It is done already, or not to be done any more.
        return


def main() -> None:
    workers = []
    for line in sys.stdin:
        asked = json.loads(line)
        if "work" in asked:
            workers.append(start_worker())
            continue
        reading, writing = os.pipe()
        child = start_child(asked, writing)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{said or ended}\n")
        sys.stdout.flush()
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


if __name__ == "__main__":
    main()
