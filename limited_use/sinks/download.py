"""The sink of downloads: bytes for the owner, or for a feature that they switched on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from accounts.actors import Actor
from limited_use.guard import Permit
from limited_use.vault import opening
from limited_use.vault.sealed import Sealed
from limited_use.vocabulary import Purpose

from . import rows as sealed_rows
from .region import WrongSink, region
from .rows import SHOWN_FOR, SHOWN_TO, Permits, Row

__all__ = ["Row", "attachment", "passing"]


@region
def attachment(sealed: Sealed, permit: Permit, *, actor: Actor, at: datetime) -> bytes:
    """
    Return the bytes of a stored file, for its owner's own download.

    :raises WrongSink: if the permit is not for that
    :raises Unopenable: if it does not open
    """
    _check(permit, actor)
    return opening.open_all([sealed], permit, at=at)[0]


@region
def passing(
    row: Row,
    *,
    permits: Permits,
    actor: Actor,
    fetch: Callable[[Any, Mapping[str, bytes]], bytes],
    at: datetime,
) -> bytes:
    """
    Return a file that is not kept here; `fetch` gets it from the own provider by what `row` holds.

    :raises WrongSink: if a permit is not for showing this to this actor
    :raises Unopenable: if the row does not open
    """
    sealed_rows.check(permits, actor=actor, purposes=SHOWN_FOR, recipients=SHOWN_TO)
    for found, values in sealed_rows.opened([row], permits, at=at):
        return fetch(found, values)
    raise WrongSink


def _check(permit: Permit, actor: Actor) -> None:
    use = permit.use
    if (
        permit.actor != actor
        or use.purpose != Purpose.INBOX_DISPLAY
        or use.recipient not in SHOWN_TO
    ):
        raise WrongSink
