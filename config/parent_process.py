"""
End a process when its parent ends, however that one ended: `kill -9` included.

Only Linux tells a process. Elsewhere only development runs.
"""

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
    End this web process when the server that started it ends. Call it before the service is loaded.

    granian passes SIGTERM on to its web processes, but it cannot do so when it is killed. They
    would go on answering, and the next granian could not have the port.

    :raises SystemExit: if the server has ended already
    """
    server = multiprocessing.parent_process()
    if server is None:
        # Not a web process of granian: a test or a command imports the application.
        return
    # Until the service is loaded, granian's own handler runs in this process too, and does nothing.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    follow_parent()
    if os.getppid() != server.pid:
        raise SystemExit("the server has ended")


def make_parent_death_hook(signal_number: int) -> Callable[[], None]:
    """
    Return what a child runs before exec so that `sign` reaches it when we die.

    It must come after the change of user, which clears the setting; `subprocess` runs
    it last. A parent that died in between is noticed by its changed process id.
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
