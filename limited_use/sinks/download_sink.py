"""The sink of downloads: bytes for the owner, or for a feature that they switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from accounts.actors import Actor
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import Purpose
from limited_use.vault import opening
from limited_use.vault.sealed import SealedValue

from . import sealed_rows
from .sealed_rows import SHOWN_FOR, SHOWN_TO, Permits, SealedRow
from .traceback_guard import WrongSink, guard_plaintext

__all__ = ["PassThroughFile", "SealedRow", "open_attachment", "pass_through_file"]

# Bytes.
_CHECK_INTERVAL: Final = 1024 * 1024


@guard_plaintext
def open_attachment(sealed: SealedValue, permit: Permit, *, actor: Actor, at: datetime) -> bytes:
    """
    Return the bytes of a stored file, for its owner.

    :raises WrongSink, Unopenable:
    """
    _check_permit(permit, actor)
    return opening.open_sealed_values([sealed], permit, at=at)[0]


class PassThroughFile:
    """
    A file that passes through this sink in pieces. The caller closes it.

    Checked every `_CHECK_INTERVAL` bytes: a disconnect or withdrawal breaks the file off; an
    expired permit does not.
    """

    def __init__(self, pieces: Iterator[bytes], check_permits: Callable[[], object]) -> None:
        self._pieces = pieces
        self._check_permits = check_permits
        self._byte_count = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._take_piece()
        if piece is None:
            raise StopIteration
        return piece

    @guard_plaintext
    def _take_piece(self) -> bytes | None:
        piece = next(self._pieces, None)
        if piece is not None:
            before, self._byte_count = self._byte_count, self._byte_count + len(piece)
            if before // _CHECK_INTERVAL != self._byte_count // _CHECK_INTERVAL:
                self._check_permits()
        return piece

    @guard_plaintext
    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


@guard_plaintext
def pass_through_file(
    row: SealedRow,
    *,
    permits: Permits,
    actor: Actor,
    fetch: Callable[[Any, Mapping[str, bytes]], Iterator[bytes]],
    at: datetime,
) -> PassThroughFile:
    """
    Return a file that is not stored here, as it arrives from its provider.

    :param fetch: requests the file by the values of `row`; closed with the file
    :raises WrongSink, Unopenable:
    """
    sealed_rows.check_permits(permits, actor=actor, purposes=SHOWN_FOR, recipients=SHOWN_TO)
    for source_row, values in sealed_rows.open_rows([row], permits, at=at):
        return PassThroughFile(
            fetch(source_row, values), lambda: opening.begin_opening_batch(permits.values(), at=at)
        )
    raise WrongSink


def _check_permit(permit: Permit, actor: Actor) -> None:
    use = permit.use
    if (
        permit.actor != actor
        or use.purpose != Purpose.INBOX_DISPLAY
        or use.recipient not in SHOWN_TO
    ):
        raise WrongSink
