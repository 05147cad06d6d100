"""
A process whose children take turns at commands of the outbox, each killed at a given line.

Reads a JSON object per line of its input: `command`, the `seconds` by which its clock is ahead, and
`line`, the number of the line of `STEPS` before which the child is killed (0: it is not), or
`place`, a file and a function at whose beginning it is killed ("": it is not). Answers how the
child ended: `0` it ran, `3` nothing was due, `-9` it was killed, `1` an error.
`python -m tests.races.killed_sender`
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import django

django.setup()

from django.utils import timezone  # noqa: E402 - after the settings

import integrations  # noqa: E402
from config.process_classes import ProcessClass  # noqa: E402
from integrations.coordination.leases import NotClaimable  # noqa: E402
from integrations.operations.outbox_kinds import KINDS  # noqa: E402
from integrations.outbox import dispatch  # noqa: E402
from tests.races import sequencing  # noqa: E402
from tests.walls import acting_as  # noqa: E402

_FOLDER = Path(integrations.__file__).parent
STEPS = {
    str(_FOLDER / name)
    for name in (
        "coordination/leases.py",
        "outbox/command_outcomes.py",
        "outbox/dispatch.py",
        "outbox/outbox_turn.py",
        "outbox/send_looks.py",
        "providers/google/gmail_sender.py",
        "providers/google/sent_search.py",
        "providers/microsoft/graph_sender.py",
    )
}
RAN, NOT_DUE, FAILED = 0, 3, 1


def start_child(asked: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    if asked["place"]:
        sequencing.kill_at(asked["place"], folder=_FOLDER)
    elif asked["line"]:
        sequencing.kill_before(asked["line"], steps=STEPS)
    os._exit(take_turn(UUID(asked["command"]), timedelta(seconds=asked["seconds"])))


def take_turn(command_id: UUID, ahead: timedelta) -> int:
    try:
        with acting_as(ProcessClass.SYNC):
            dispatch.dispatch_command(KINDS, command_id, clock=lambda: timezone.now() + ahead)
    except NotClaimable:
        return NOT_DUE
    except Exception:  # noqa: BLE001 - the child says how it ended
        traceback.print_exc()
        return FAILED
    return RAN


def main() -> None:
    for line in sys.stdin:
        child = start_child(json.loads(line))
        sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
