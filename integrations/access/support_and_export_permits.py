"""
Permits for what an owner said yes to beyond their inbox: one item for support, a copy of their own.

As in `permits`, facts are found here, by ids, and nobody passes one in. What does not exist,
or is somebody else's, has none: it is refused, and the ledger says so.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import User
from accounts.roles import Role
from integrations.models import Export, Message
from limited_use.access_request import AccessRequest, FenceKind
from limited_use.agreements import consents
from limited_use.guard import guard
from limited_use.models import Consent
from limited_use.policy.vocabulary import DataClass, Fact, Purpose, Recipient, Use

from . import facts
from .facts import Found
from .permits import Permits

SUPPORT: Final = "support"
EXPORT: Final = "export"
# From the confirmation on: as long as the longest download may take.
EXPORT_LASTS: Final = timedelta(hours=2)
_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


def to_support(*, actor: Actor, message_id: UUID, at: datetime) -> Permits:
    """
    Return permits for a person of support to read one message that its owner opened to them.

    Asked within `as_who_opened`: support is shown nothing of theirs outside of it.

    :raises guard.Refused: unless the owner's agreement about this very message stands, and the
        actor is another person, and of support
    """
    place = Message.objects.filter(id=message_id).values_list(
        "integration_id", "user_id", "organisation_id"
    )
    holder, owner_id, organisation_id = place.first() or (message_id, None, None)
    found = facts.of_integrations([holder], actor=actor, at=at)[holder]
    agreement: Consent | None = None
    if owner_id is not None and organisation_id is not None and _is_support(actor):
        agreement = consents.of_item(
            owner_id=owner_id,
            organisation_id=organisation_id,
            feature=SUPPORT,
            item=message_id,
            at=at,
        )
    true = found.facts | ({Fact.ITEM_CONSENTED} if agreement is not None else set())
    asks = [
        AccessRequest(
            use=Use(data_class, Purpose.SUPPORT_ITEM, Recipient.SUPPORT_AGENT),
            holder=holder,
            epoch=found.epoch,
            actor=actor,
            on_behalf_of=found.owner_id,
            facts=true,
            # The agreement, and no other: it is what this reading hangs on.
            fences=() if agreement is None else (consents.fence(agreement),),
            feature=SUPPORT,
            count=1,
            item=message_id,
            names=found.names,
        )
        for data_class in _MAIL
    ]
    return _granted(asks, at=at)


@contextmanager
def as_who_opened(message_id: UUID, *, at: datetime) -> Generator[None]:
    """
    Act for whoever opened this message to support; within the block nothing else changes.

    The database shows agreements of that kind to support alone, while they stand. That the message
    is theirs who agreed, and all else, is for `to_support` to find.
    """
    agreed = Consent.objects.filter(
        feature=SUPPORT, item=message_id, withdrawn_at=None, expires_at__gt=at
    )
    owner = agreed.order_by("-id").values_list("owner_id", "organisation_id").first()
    with row_owner.acting_for(*owner) if owner else nullcontext():
        yield


def to_export(*, actor: Actor, export_id: UUID, count: int, at: datetime) -> Permits:
    """
    Return permits for a part of a copy of mail, for whoever asked for the copy and confirmed it.

    :param count: how many messages the part has
    :raises guard.Refused: if it was not them who asked, or too long ago, or it has ended, or what
        it is a copy of is gone
    """
    asked = _asked(export_id, actor=actor, at=at)
    holder = asked.integration_id if asked is not None else export_id
    found = facts.of_integrations([holder], actor=actor, at=at)[holder]
    asks = [
        _export(data_class, holder, found, actor=actor, is_asked=asked is not None, count=count)
        for data_class in _MAIL
    ]
    return _granted(asks, at=at)


def to_name_account(*, actor: Actor, export_id: UUID, at: datetime) -> Permits:
    """Return a permit to say in a copy which account it came from. See `to_export`."""
    asked = _asked(export_id, actor=actor, at=at)
    holder = asked.integration.connection_id if asked is not None else export_id
    found = facts.of_connections([holder], actor=actor)[holder]
    ask = _export(
        DataClass.PROFILE, holder, found, actor=actor, is_asked=asked is not None, count=1
    )
    return _granted([ask], at=at)


def _export(  # noqa: PLR0913 - one use, and what was found
    data_class: DataClass,
    holder: UUID,
    found: Found,
    *,
    actor: Actor,
    is_asked: bool,
    count: int,
) -> AccessRequest:
    # Their membership alone: the copy is theirs whether or not they agree to the inbox.
    held_by = tuple(one for one in found.fences if one.kind == FenceKind.MEMBERSHIP)
    true = found.facts | ({Fact.EXPORT_ASKED} if is_asked else set())
    found = replace(found, facts=true, fences=held_by)
    return AccessRequest(
        use=Use(data_class, Purpose.USER_EXPORT, Recipient.OWNER),
        holder=holder,
        epoch=found.epoch,
        actor=actor,
        on_behalf_of=actor.user_id,
        facts=found.facts,
        fences=found.fences,
        feature=EXPORT,
        count=count,
        names=found.names,
    )


def _asked(export_id: UUID, *, actor: Actor, at: datetime) -> Export | None:
    """Return the confirmed asking, if it is this person's, recent, and not over."""
    user_id, organisation_id = whose(actor)
    theirs = Export.objects.filter(
        id=export_id,
        user_id=user_id,
        organisation_id=organisation_id,
        ended_at=None,
        asked_at__lte=at,
        asked_at__gt=at - EXPORT_LASTS,
    )
    return theirs.select_related("integration").first()


def whose(actor: Actor) -> tuple[UUID, UUID]:
    """Return person and organisation; ids that nobody has for who has none."""
    nobody = UUID(int=0)
    return actor.user_id or nobody, actor.organisation_id or nobody


def _is_support(actor: Actor) -> bool:
    user_id, _ = whose(actor)
    # Their own row, which is shown to nobody else.
    with row_owner.acting_for(user_id, None):
        return User.objects.active().filter(id=user_id, role=Role.SUPPORT).exists()


def _granted(asks: list[AccessRequest], *, at: datetime) -> Permits:
    return {(one.holder, one.use.data_class): one for one in guard.permits(asks, at=at)}
