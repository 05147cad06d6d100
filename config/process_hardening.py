"""
Keep the memory of this process private: it holds keys, tokens and opened mail.

A crash writes no core file, and other processes of the same user cannot attach or read memory. No
protection against root, or against code in the process.
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
    Protect this process and its forks; an exec loses the protection.

    :raises OSError: if the kernel refuses
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Linux only. Other systems only develop.
    if sys.platform == "linux":
        _call_prctl(_PR_SET_DUMPABLE, 0)


def is_memory_protected() -> bool:
    has_no_core = resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)
    return has_no_core and (sys.platform != "linux" or _call_prctl(_PR_GET_DUMPABLE, 0) == 0)


def _call_prctl(option: int, value: int) -> int:
    answer: int = ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
    if answer < 0:
        raise OSError(ctypes.get_errno(), "prctl")
    return answer
