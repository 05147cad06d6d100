"""
A process whose children write an event over HTTP, each killed before a given line that it runs.

Reads a JSON object per line of its input: `line` (0: not killed), `cookies`, `body` and `key`. It
answers how the child ended: `201` and the like are statuses, `-9` says that it was killed. It
opens no connection itself, so that a child begins with none. `python -m tests.races.killed_writer`
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import django

django.setup()

from django.test import Client  # noqa: E402 - after the settings
from django.urls import resolve  # noqa: E402

import integrations  # noqa: E402
from tests.races import sequencing  # noqa: E402

# Loaded here once, rather than by each child.
resolve("/v1/users/me/events")

_FOLDER = Path(integrations.__file__).parent
STEPS = {
    str(_FOLDER / name)
    for name in ("replies.py", "calendars/writing/once.py", "calendars/keeping.py")
}


def write(asked: dict[str, Any]) -> int:
    client = Client(headers={"Host": "localhost", "Idempotency-Key": asked["key"]})
    client.cookies.load(asked["cookies"])
    path = "/v1/users/me/events"
    return client.post(path, asked["body"], content_type="application/json").status_code


def start_child(asked: dict[str, Any], answer: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    if asked["line"]:
        sequencing.kill_before(asked["line"], steps=STEPS)
    os.write(answer, str(write(asked)).encode())
    os._exit(0)


def main() -> None:
    for line in sys.stdin:
        reading, writing = os.pipe()
        child = start_child(json.loads(line), writing)
        os.close(writing)
        with os.fdopen(reading) as answer:
            said = answer.read()
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.stdout.write(f"{said or ended}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
