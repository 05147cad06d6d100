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
from .facts import HolderFacts
from .permits import Permits

SUPPORT: Final = "support"
EXPORT: Final = "export"
# From the confirmation on: as long as the longest download may take.
EXPORT_LASTS: Final = timedelta(hours=2)
_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


def to_show_support(*, actor: Actor, message_id: UUID, at: datetime) -> Permits:
    """
    Return permits for a person of support to read one message that its owner opened to them.

    Asked within `as_who_opened`: support is shown nothing of theirs outside of it.

    :raises guard.Refused: unless the owner's agreement about this very message stands, and the
        actor is another person, and of support
    """
    message_rows = Message.objects.filter(id=message_id).values_list(
        "integration_id", "user_id", "organisation_id"
    )
    holder, owner_id, organisation_id = message_rows.first() or (message_id, None, None)
    holder_facts = facts.for_integrations([holder], actor=actor, at=at)[holder]
    item_consent: Consent | None = None
    if owner_id is not None and organisation_id is not None and _is_support(actor):
        item_consent = consents.find_item_consent(
            owner_id=owner_id,
            organisation_id=organisation_id,
            feature=SUPPORT,
            item=message_id,
            at=at,
        )
    true_facts = holder_facts.facts | ({Fact.ITEM_CONSENTED} if item_consent is not None else set())
    requests = [
        AccessRequest(
            use=Use(data_class, Purpose.SUPPORT_ITEM, Recipient.SUPPORT_AGENT),
            holder=holder,
            epoch=holder_facts.epoch,
            actor=actor,
            on_behalf_of=holder_facts.owner_id,
            facts=true_facts,
            # The agreement, and no other: it is what this reading hangs on.
            fences=() if item_consent is None else (consents.make_fence(item_consent),),
            feature=SUPPORT,
            count=1,
            item=message_id,
            names=holder_facts.names,
        )
        for data_class in _MAIL
    ]
    return _get_permits(requests, at=at)


@contextmanager
def acting_for_message_owner(message_id: UUID, *, at: datetime) -> Generator[None]:
    """
    Act for whoever opened this message to support; within the block nothing else changes.

    The database shows agreements of that kind to support alone, while they stand. That the message
    is theirs who agreed, and all else, is for `to_support` to find.
    """
    item_consents = Consent.objects.filter(
        feature=SUPPORT, item=message_id, withdrawn_at=None, expires_at__gt=at
    )
    owner = item_consents.order_by("-id").values_list("owner_id", "organisation_id").first()
    with row_owner.acting_for(*owner) if owner else nullcontext():
        yield


def to_export(*, actor: Actor, export_id: UUID, count: int, at: datetime) -> Permits:
    """
    Return permits for a part of a copy of mail, for whoever asked for the copy and confirmed it.

    :param count: how many messages the part has
    :raises guard.Refused: if it was not them who asked, or too long ago, or it has ended, or what
        it is a copy of is gone
    """
    export = _get_confirmed_export(export_id, actor=actor, at=at)
    holder = export.integration_id if export is not None else export_id
    holder_facts = facts.for_integrations([holder], actor=actor, at=at)[holder]
    requests = [
        _build_export_request(
            data_class,
            holder,
            holder_facts,
            actor=actor,
            is_confirmed=export is not None,
            count=count,
        )
        for data_class in _MAIL
    ]
    return _get_permits(requests, at=at)


def to_name_account(*, actor: Actor, export_id: UUID, at: datetime) -> Permits:
    """Return a permit to say in a copy which account it came from. See `to_export`."""
    export = _get_confirmed_export(export_id, actor=actor, at=at)
    holder = export.integration.connection_id if export is not None else export_id
    holder_facts = facts.for_connections([holder], actor=actor)[holder]
    request = _build_export_request(
        DataClass.PROFILE,
        holder,
        holder_facts,
        actor=actor,
        is_confirmed=export is not None,
        count=1,
    )
    return _get_permits([request], at=at)


def _build_export_request(  # noqa: PLR0913 - one use, and what was found
    data_class: DataClass,
    holder: UUID,
    holder_facts: HolderFacts,
    *,
    actor: Actor,
    is_confirmed: bool,
    count: int,
) -> AccessRequest:
    # Their membership alone: the copy is theirs whether or not they agree to the inbox.
    memberships = tuple(
        fence for fence in holder_facts.fences if fence.kind == FenceKind.MEMBERSHIP
    )
    true_facts = holder_facts.facts | ({Fact.EXPORT_ASKED} if is_confirmed else set())
    holder_facts = replace(holder_facts, facts=true_facts, fences=memberships)
    return AccessRequest(
        use=Use(data_class, Purpose.USER_EXPORT, Recipient.OWNER),
        holder=holder,
        epoch=holder_facts.epoch,
        actor=actor,
        on_behalf_of=actor.user_id,
        facts=holder_facts.facts,
        fences=holder_facts.fences,
        feature=EXPORT,
        count=count,
        names=holder_facts.names,
    )


def _get_confirmed_export(export_id: UUID, *, actor: Actor, at: datetime) -> Export | None:
    """Return the confirmed asking, if it is this person's, recent, and not over."""
    user_id, organisation_id = get_owner_ids(actor)
    exports = Export.objects.filter(
        id=export_id,
        user_id=user_id,
        organisation_id=organisation_id,
        ended_at=None,
        asked_at__lte=at,
        asked_at__gt=at - EXPORT_LASTS,
    )
    return exports.select_related("integration").first()


def get_owner_ids(actor: Actor) -> tuple[UUID, UUID]:
    """Return person and organisation; ids that nobody has for who has none."""
    unknown_id = UUID(int=0)
    return actor.user_id or unknown_id, actor.organisation_id or unknown_id


def _is_support(actor: Actor) -> bool:
    user_id, _ = get_owner_ids(actor)
    # Their own row, which is shown to nobody else.
    with row_owner.acting_for(user_id, None):
        return User.objects.active().filter(id=user_id, role=Role.SUPPORT).exists()


def _get_permits(requests: list[AccessRequest], *, at: datetime) -> Permits:
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }
