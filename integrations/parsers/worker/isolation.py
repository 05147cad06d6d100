"""
Privileges that a parser process drops for ever, before its first task.

The kernel limits time and memory (setrlimit(2)). A seccomp filter (seccomp(2)) refuses sockets,
programs and opening files for writing. With Landlock (landlock(7)) the process reads only the
files that Python needs.
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
#: Address space after all imports; a test measures it.
BASE_MEMORY: Final = 256 * 1024 * 1024

# Landlock's rights of its first version: read files and list folders.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ALL_FILE_RIGHTS: Final = (1 << 13) - 1
_READ: Final = (1 << 2) | (1 << 3)
_PATH_BENEATH: Final = 1

# Time zones, and shared libraries of modules.
_SYSTEM_FOLDERS: Final = (
    "/usr/share/zoneinfo", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib",
)  # fmt: skip


class NotIsolated(OSError):
    """The kernel refused a restriction. The process must not read anything."""


def drop_privileges(*, code: str) -> None:
    """
    :param code: the folder of the modules that this process imports
    :raises NotIsolated: if the kernel refuses
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_OPEN_FILES, _OPEN_FILES))
    # Only Linux has these. Other systems are for development.
    if sys.platform == "linux":
        _prctl(_PR_SET_DUMPABLE, 0)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        _restrict_files([code, *_interpreter_folders(), *_SYSTEM_FOLDERS])
        _filter_system_calls()


def limit_task(*, cpu_seconds: float, memory: int) -> None:
    """
    Beyond `cpu_seconds` the kernel ends the process (SIGXCPU). Beyond `memory` Python raises
    `MemoryError`, or a library ends the process (SIGABRT).

    :param cpu_seconds: the kernel counts whole seconds, so up to one more
    :param memory: bytes of address space above `BASE_MEMORY`
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
    # struct sock_fprog: number of instructions, and their address.
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _restrict_files(folders: Iterable[str]) -> None:
    """Allow reading these folders only, if the kernel has Landlock."""
    libc = ctypes.CDLL(None, use_errno=True)
    rights = struct.pack("Q", _ALL_FILE_RIGHTS)
    ruleset = libc.syscall(_CREATE_RULESET, rights, len(rights), 0)
    if ruleset < 0:
        # A kernel older than 5.13, or without Landlock: the other walls remain.
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
