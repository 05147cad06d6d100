"""The sink of downloads: bytes for the owner, or for a feature that they switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from accounts.actors import Actor
from limited_use.access_request import Permit
from limited_use.policy.vocabulary import Purpose
from limited_use.vault import opening
from limited_use.vault.sealed import Sealed

from . import rows as sealed_rows
from .rows import SHOWN_FOR, SHOWN_TO, Permits, Row
from .traceback_guard import WrongSink, region

__all__ = ["Passing", "Row", "attachment", "passing"]

# Bytes.
_EVERY: Final = 1024 * 1024


@region
def attachment(sealed: Sealed, permit: Permit, *, actor: Actor, at: datetime) -> bytes:
    """
    Return the bytes of a stored file, for its owner's own download.

    :raises WrongSink: if the permit is not for that
    :raises Unopenable: if it does not open
    """
    _check(permit, actor)
    return opening.open_all([sealed], permit, at=at)[0]


class Passing:
    """
    A file on its way through this sink, in pieces. Whoever takes it closes it.

    With every `_EVERY` bytes it is looked at again whether it may still be opened: after a
    disconnect or a withdrawal it breaks off. A permit whose time is over meanwhile lets it end.
    """

    def __init__(self, pieces: Iterator[bytes], still_holds: Callable[[], object]) -> None:
        self._pieces = pieces
        self._still_holds = still_holds
        self._passed = 0

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._take()
        if piece is None:
            raise StopIteration
        return piece

    @region
    def _take(self) -> bytes | None:
        """Return the next piece; None at the end."""
        piece = next(self._pieces, None)
        if piece is not None:
            before, self._passed = self._passed, self._passed + len(piece)
            if before // _EVERY != self._passed // _EVERY:
                self._still_holds()
        return piece

    @region
    def close(self) -> None:
        """Let go of the rest of it."""
        close = getattr(self._pieces, "close", None)
        if close is not None:
            close()


@region
def passing(
    row: Row,
    *,
    permits: Permits,
    actor: Actor,
    fetch: Callable[[Any, Mapping[str, bytes]], Iterator[bytes]],
    at: datetime,
) -> Passing:
    """
    Return a file that is not kept here, as it arrives from its provider.

    :param fetch: gets it from the own provider by what `row` holds; its answer is closed with ours
    :raises WrongSink: if a permit is not for showing this to this actor
    :raises Unopenable: if the row does not open
    """
    sealed_rows.check(permits, actor=actor, purposes=SHOWN_FOR, recipients=SHOWN_TO)
    for found, values in sealed_rows.opened([row], permits, at=at):
        return Passing(fetch(found, values), lambda: opening.batch(permits.values(), at=at))
    raise WrongSink


def _check(permit: Permit, actor: Actor) -> None:
    use = permit.use
    if (
        permit.actor != actor
        or use.purpose != Purpose.INBOX_DISPLAY
        or use.recipient not in SHOWN_TO
    ):
        raise WrongSink
