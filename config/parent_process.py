"""End a process with its parent, even after `kill -9`. Linux only; other systems only develop."""

from __future__ import annotations

import ctypes  # noqa: TID251 - prctl, which Python does not have
import multiprocessing  # noqa: TID251 - starts nothing, asks who started this process
import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def follow_parent() -> None:
    """Have the kernel send this process SIGTERM when its parent ends."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def follow_server() -> None:
    """
    End this web process with its server. Call it before the service is loaded.

    granian passes SIGTERM on to web processes, unless it is killed itself. They would go on
    answering, and block the port of the next granian.

    :raises SystemExit: if the server has ended already
    """
    server = multiprocessing.parent_process()
    if server is None:
        # No web process of granian: a test or command imports the application.
        return
    # Until the service is loaded, granian's own handler in this process ignores the signal.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    follow_parent()
    if os.getppid() != server.pid:
        raise SystemExit("the server has ended")


def make_parent_death_hook(signal_number: int) -> Callable[[], None]:
    """
    Return a `preexec_fn` by which a child receives a signal when this process dies.

    It must run after the change of user, which clears the setting; `subprocess` runs it last. The
    changed parent id reveals a parent that died in between.
    """
    if not sys.platform.startswith("linux"):
        return lambda: None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent_id = os.getpid()

    def request_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent_id:
            os.kill(os.getpid(), signal_number)

    return request_signal
