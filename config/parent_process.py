"""End a process with its parent, even after `kill -9`. Linux only."""

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
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def follow_server() -> None:
    """
    Call before the service is loaded.

    After `kill -9` of granian, web processes would go on answering, and block the port of the
    next.

    :raises SystemExit: if the server has ended already
    """
    server = multiprocessing.parent_process()
    if server is None:
        # A test or command imports the application.
        return
    # Until the service is loaded, granian's own handler in this process ignores the signal.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    follow_parent()
    if os.getppid() != server.pid:
        raise SystemExit("the server has ended")


def make_parent_death_hook(signal_number: int) -> Callable[[], None]:
    """
    Return a `preexec_fn` by which a child receives a signal when this process dies.

    The change of user clears the setting; `subprocess` runs the hook last. The changed parent id
    reveals a parent that died in between.
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
