"""
What a parser process gives up before it reads its first task.

The limits of time and memory are the kernel's (setrlimit(2)). Everything that is no reading,
writing or computing is refused by a seccomp filter (seccomp(2)): the process can make no socket,
start no program and open no file for writing. With Landlock (landlock(7)) it reads only the files
that Python itself needs. None of this can be taken back by the process.
"""

from __future__ import annotations

import ctypes  # noqa: TID251 - prctl, seccomp and Landlock, which Python does not have
import math
import os
import platform
import resource
import struct
import sys
import sysconfig
import time
from collections.abc import Iterable
from typing import Final

from . import system_calls

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_OPEN_FILES: Final = 32
#: The address space of a process that has imported everything and has not begun: see its test.
BASE_MEMORY: Final = 256 * 1024 * 1024

# Landlock: reading files and listing folders, of the rights that it knows since its first version.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ALL_FILE_RIGHTS: Final = (1 << 13) - 1
_READ: Final = (1 << 2) | (1 << 3)
_PATH_BENEATH: Final = 1

# Zones by their names, and libraries that modules are linked with.
_SYSTEM_FOLDERS: Final = (
    "/usr/share/zoneinfo", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
)  # fmt: skip


class NotIsolated(OSError):
    """The kernel does not let this process give up what it has to. It reads nothing."""


def drop_privileges(*, code: str) -> None:
    """
    Give up network, programs, writing, and files other than the interpreter's and `code`.

    :param code: the folder of the modules that this process imports
    :raises NotIsolated: if the kernel does not agree
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    # Linux's alone. Elsewhere only development runs.
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, 0)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _restrict_files([code, *_interpreter_folders(), *_SYSTEM_FOLDERS])
        _filter_system_calls()


def limit_task(*, cpu_seconds: float, memory: int) -> None:
    """
    Set the limits of the next task, on top of what this process has used so far.

    Beyond the time the kernel ends the process (SIGXCPU). Beyond the memory Python raises
    `MemoryError`, or a library ends the process (SIGABRT).

    :param cpu_seconds: of the processor; the kernel counts whole seconds, so up to one more
    :param memory: in bytes of the address space, above `BASE_MEMORY`
    """
    seconds = math.ceil(time.process_time() + cpu_seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
    limit = BASE_MEMORY + memory
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def _interpreter_folders() -> list[str]:
    paths = sysconfig.get_paths()
    folders = {
        sys.base_prefix,
        sys.prefix,
        *(paths[name] for name in ("stdlib", "purelib", "platlib")),
    }
    return sorted(os.path.realpath(folder) for folder in folders)


def _filter_system_calls() -> None:
    program = system_calls.build_filter(platform.machine(), pid=os.getpid())
    if program is None:
        raise NotIsolated(f"no filter of system calls for {platform.machine()}")
    code = ctypes.create_string_buffer(program)
    # struct sock_fprog: how many instructions, and where they are.
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _restrict_files(folders: Iterable[str]) -> None:
    """Leave these folders for reading and nothing else, where the kernel has Landlock."""
    libc = ctypes.CDLL(None, use_errno=True)
    rights = struct.pack("Q", _ALL_FILE_RIGHTS)
    ruleset = libc.syscall(_CREATE_RULESET, rights, len(rights), 0)
    if ruleset < 0:
        # Older than 5.13, or built without it: the other walls stand.
        return
    for folder in folders:
        try:
            descriptor = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rule = struct.pack("=Qi", _READ, descriptor)
        failed = libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) < 0
        os.close(descriptor)
        if failed:
            raise NotIsolated(ctypes.get_errno(), "landlock_add_rule")
    if libc.syscall(_RESTRICT_SELF, ruleset, 0) < 0:
        raise NotIsolated(ctypes.get_errno(), "landlock_restrict_self")
    os.close(ruleset)


def _prctl(option: int, value: int, more: object = 0) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, more, 0, 0) < 0:
        raise NotIsolated(ctypes.get_errno(), "prctl")
