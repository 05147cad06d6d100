"""
Refuses features what only people do with calendars, before anything is looked up.

So every refusal of a kind is the same, whatever the request names. Its ledger entry is about the
feature's delegation.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.actors import Actor, ActorKind
from limited_use.access_request import AccessRequest
from limited_use.guard import guard
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient, Use

from .owner_permits import EXPORT_USES, WRITE_USE

_SHARE_USE: Final = Use(
    DataClass.CALENDAR_FREEBUSY, Purpose.CALENDAR_SHARE, Recipient.PLATFORM_FEATURE
)


def refuse_change_by_client(*, actor: Actor, at: datetime) -> None:
    """
    Features read calendars, and only the owner changes one.

    :raises guard.AccessRefused:
    """
    _refuse_client(WRITE_USE, actor=actor, at=at)


def refuse_export_by_client(*, actor: Actor, at: datetime) -> None:
    """:raises guard.AccessRefused:"""
    _refuse_client(EXPORT_USES[0], actor=actor, at=at)


def refuse_client_for_others(*, actor: Actor, at: datetime) -> None:
    """
    Calendars are shared between people only.

    :raises guard.AccessRefused:
    """
    _refuse_client(_SHARE_USE, actor=actor, at=at)


def _refuse_client(use: Use, *, actor: Actor, at: datetime) -> None:
    if actor.kind != ActorKind.CLIENT:
        return
    guard.permit(
        AccessRequest(
            use=use,
            holder=actor.delegation_id or actor.id,
            epoch=0,
            actor=actor,
            on_behalf_of=actor.user_id,
            facts=frozenset(),
            feature=actor.feature,
        ),
        at=at,
    )
    # Without facts no rule permits it. If one did, the error would stop the request.
    raise RuntimeError("a feature was permitted to act as a person")
