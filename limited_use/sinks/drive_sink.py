"""
The sink of files that a worker passes on to the owner's Drive, as the owner ordered.

Every function needs the `ProviderOutlet` of the Drive's adapter, so no other account gets a byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from accounts.actors import SYSTEM
from limited_use.policy.policy_vocabulary import Purpose, Recipient
from limited_use.vault import opening

from . import sealed_rows
from .download_sink import PassThroughFile
from .provider_sink import ProviderOutlet
from .sealed_rows import Permits, SealedRow
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["PassThroughFile", "SealedRow", "build_file_part", "describe_file", "pass_through_file"]

T = TypeVar("T")
# Returns the part of the file for a row and its opened columns.
Shape = Callable[[Any, Mapping[str, bytes]], bytes]

_RECIPIENTS: Final = frozenset({Recipient.OWN_PROVIDER, Recipient.OTHER_OWN_ACCOUNT})


@guard_plaintext
def describe_file(
    row: SealedRow,
    *,
    permits: Permits,
    to: ProviderOutlet,
    describe: Callable[[Mapping[str, bytes]], T],
    at: datetime,
) -> T:
    """
    Return what `describe` takes out of the opened columns: the file's name and type in the Drive.

    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, to)
    for _, values in sealed_rows.open_rows([row], permits, at=at):
        return describe(values)
    raise WrongSink


@guard_plaintext
def pass_through_file(
    pieces: Iterator[bytes], *, permits: Permits, to: ProviderOutlet, at: datetime
) -> PassThroughFile:
    """
    Return a file that is not stored here, as it arrives from its provider.

    A disconnect or withdrawal breaks it off; see `PassThroughFile`.

    :param pieces: not begun; closed with the file
    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, to)
    opening.begin_opening_batch(permits.values(), at=at)
    return PassThroughFile(pieces, lambda: opening.begin_opening_batch(permits.values(), at=at))


@guard_plaintext
def build_file_part(  # noqa: PLR0913 - rows, where they go, and why they may
    rows: Sequence[SealedRow],
    *,
    permits: Permits,
    to: ProviderOutlet,
    shape: Shape,
    at: datetime,
    skip_damaged: bool = False,
) -> bytes:
    """
    Return the bytes of some rows. A large file is built of many parts, each with its own permits.

    :param rows: few enough for memory
    :param skip_damaged: `shape` gets no columns of a damaged row; otherwise the file ends
    :raises WrongSink, Unopenable:
    """
    _check_permits(permits, to)
    opened_rows = sealed_rows.open_rows(
        rows, permits, at=at, skip_damaged=skip_damaged, skip_whole_rows=skip_damaged
    )
    return b"".join(shape(row, values) for row, values in opened_rows)


def _check_permits(permits: Permits, to: ProviderOutlet) -> None:
    sealed_rows.check_permits(
        permits, actor=SYSTEM, purposes={Purpose.DRIVE_UPLOAD}, recipients=_RECIPIENTS
    )
    if not permits or any(permit.account != to.account for permit in permits.values()):
        raise WrongSink
