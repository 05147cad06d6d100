"""
What is in this process's memory stays there: keys, tokens and mail that is open just now.

A crash writes no core file, and another process of the same user neither attaches nor reads the
memory. It does not keep root out, and nothing that runs inside.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - prctl, which Python does not have
import resource
import sys
from typing import Final

_PR_GET_DUMPABLE: Final = 3
_PR_SET_DUMPABLE: Final = 4


def protect_memory() -> None:
    """
    Say so to the kernel, for this process and its forks; an exec begins anew.

    :raises OSError: if the kernel does not agree
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Linux's alone. Elsewhere only development runs.
    if sys.platform == "linux":
        _call_prctl(_PR_SET_DUMPABLE, 0)


def is_memory_protected() -> bool:
    """Return whether that holds for this process now."""
    has_no_core = resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    return has_no_core and (sys.platform != "linux" or _call_prctl(_PR_GET_DUMPABLE, 0) == 0)


def _call_prctl(option: int, value: int) -> int:
    answer: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    if answer < 0:
        raise OSError(ctypes.get_errno(), "prctl")
    return answer
