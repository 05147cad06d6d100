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

_PR_SET_DUMPABLE: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_OPEN_FILES: Final = 32
#: The address space of a process that has imported everything and has not begun: see its test.
BASE_MEMORY: Final = 256 * 1024 * 1024

# Instructions of the filter: load a word, compare, mask, return.
_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_AND: Final = 0x54
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050001  # EPERM
_KILL: Final = 0x80000000
# Where a system call's data stand (struct seccomp_data).
_NUMBER, _ARCHITECTURE, _THIRD_ARGUMENT = 0, 4, 32
_X32: Final = 0x40000000

# The system calls of an interpreter that reads pipes and files and computes, by architecture:
# (the kernel's name of the architecture, openat, all others).
_X86_64: Final = (
    0xC000003E,
    257,
    (
        0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 24, 25, 28, 32, 35,
        39, 63, 72, 78, 79, 89, 96, 97, 98, 99, 102, 104, 107, 108, 110, 131, 137, 138, 160, 186,
        201, 202, 204, 217, 228, 229, 230, 231, 234, 257, 262, 267, 302, 318, 324, 332, 334, 439,
    ),
)  # fmt: skip
_AARCH64: Final = (
    0xC00000B7,
    56,
    (
        23, 25, 29, 48, 56, 57, 61, 62, 63, 64, 65, 66, 67, 73, 78, 79, 80, 93, 94, 96, 98, 99, 101,
        113, 114, 115, 122, 123, 124, 131, 132, 134, 135, 139, 160, 163, 164, 165, 167, 169, 172,
        173, 174, 175, 176, 177, 178, 179, 214, 215, 216, 222, 226, 233, 261, 278, 283, 291, 293,
        439,
    ),
)  # fmt: skip
_MACHINES: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}

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


def give_up_everything(*, code: str) -> None:
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
    return sorted(os.path.realpath(one) for one in folders)


def _filter_system_calls() -> None:
    known = _MACHINES.get(platform.machine())
    if known is None:
        raise NotIsolated(f"no filter of system calls for {platform.machine()}")
    program = _program(*known)
    code = ctypes.create_string_buffer(program)
    # struct sock_fprog: how many instructions, and where they are.
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header))


def _program(architecture: int, openat: int, allowed: Iterable[int]) -> bytes:
    """Return the filter: another architecture ends the process, another call is refused."""
    numbers = sorted(set(allowed) - {openat})
    steps = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_EQUAL, 0, 5, openat),
        # Only for reading: neither O_WRONLY, O_RDWR, O_CREAT nor O_TRUNC.
        (_LOAD, 0, 0, _THIRD_ARGUMENT),
        (_AND, 0, 0, os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC),
        (_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in numbers:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


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
            opened = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        rule = struct.pack("=Qi", _READ, opened)
        failed = libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) < 0
        os.close(opened)
        if failed:
            raise NotIsolated(ctypes.get_errno(), "landlock_add_rule")
    if libc.syscall(_RESTRICT_SELF, ruleset, 0) < 0:
        raise NotIsolated(ctypes.get_errno(), "landlock_restrict_self")
    os.close(ruleset)


def _prctl(option: int, value: int, more: object = 0) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, more, 0, 0) < 0:
        raise NotIsolated(ctypes.get_errno(), "prctl")
