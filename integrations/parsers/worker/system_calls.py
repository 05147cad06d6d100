"""
The seccomp(2) filter of a parser process.

Arguments are checked for calls that could reach another process or open a file for writing.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# Instructions of the filter: load a word, compare, mask, return.
_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_AND: Final = 0x54
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050001  # EPERM
_KILL: Final = 0x80000000
# Offsets of the number, architecture and arguments (struct seccomp_data).
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
_X32: Final = 0x40000000
_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
# fcntl(2) only for flags: other commands make the kernel send signals to any process of this
# user.
_F_DUPFD_CLOEXEC: Final = 1030
_FLAGS: Final = (1, 2, 3, _F_DUPFD_CLOEXEC)

_Step = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class SystemCallTable:
    """
    The allowed calls of one architecture, by number.

    :param name: the kernel's AUDIT_ARCH_… constant
    :param openat: only for reading
    :param prlimit: only for this process
    :param tgkill: only for this process
    :param fcntl: only for flags
    """

    name: int
    openat: int
    prlimit: int
    tgkill: int
    fcntl: int
    unconditional: tuple[int, ...]


SYSTEM_CALLS: Final = {
    "x86_64": SystemCallTable(
        name=0xC000003E,
        openat=257,
        prlimit=302,
        tgkill=234,
        fcntl=72,
        unconditional=(
            0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 21, 24, 25, 28, 32,
            35, 39, 63, 78, 79, 89, 96, 97, 98, 99, 102, 104, 107, 108, 110, 131, 137, 138, 160,
            186, 201, 202, 204, 217, 228, 229, 230, 231, 262, 267, 318, 324, 332, 334, 439,
        ),
    ),
    "aarch64": SystemCallTable(
        name=0xC00000B7,
        openat=56,
        prlimit=261,
        tgkill=131,
        fcntl=25,
        unconditional=(
            17, 23, 29, 43, 44, 48, 57, 61, 62, 63, 64, 65, 66, 67, 73, 78, 79, 80, 93, 94, 96, 98,
            99, 101, 113, 114, 115, 123, 124, 132, 134, 135, 139, 160, 163, 164, 165, 169, 172,
            173, 174, 175, 176, 177, 178, 179, 214, 215, 216, 222, 226, 233, 278, 283, 291, 293,
            439,
        ),
    ),
}  # fmt: skip


def build_filter(machine: str, *, pid: int) -> bytes | None:
    """
    Return None if the calls of the architecture are unknown.

    A call of another architecture ends the process; other unlisted calls are refused.
    """
    calls = SYSTEM_CALLS.get(machine)
    if calls is None:
        return None
    steps: list[_Step] = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, calls.name),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        *_allow_for_reading(calls.openat),
        *_allow_with(calls.prlimit, argument=0, values=(0, pid)),
        *_allow_with(calls.tgkill, argument=0, values=(pid,)),
        *_allow_with(calls.fcntl, argument=1, values=_FLAGS),
    ]
    for number in calls.unconditional:
        steps += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _ALLOW)]
    steps.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _allow_for_reading(openat: int) -> Iterator[_Step]:
    yield (_EQUAL, 0, 5, openat)
    yield _load_argument(argument=2)
    yield (_AND, 0, 0, _WRITING)
    yield (_EQUAL, 0, 1, 0)
    yield (_RETURN, 0, 0, _ALLOW)
    yield (_RETURN, 0, 0, _REFUSE)


def _allow_with(number: int, *, argument: int, values: tuple[int, ...]) -> Iterator[_Step]:
    yield (_EQUAL, 0, 2 + 2 * len(values), number)
    yield _load_argument(argument=argument)
    for value in values:
        yield (_EQUAL, 0, 1, value)
        yield (_RETURN, 0, 0, _ALLOW)
    yield (_RETURN, 0, 0, _REFUSE)


def _load_argument(*, argument: int) -> _Step:
    # The lower half on little-endian machines, which the kernel uses for an int.
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * argument)
