"""
Permits that need a separate consent: show a message to support, export a mailbox; and the one with
which support finds a person.

As in `permits`, an unknown or foreign object has no facts: it is refused and recorded.
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
from limited_use.access_request import AccessRequest, FenceKind, Permit
from limited_use.agreements import consents
from limited_use.guard import guard
from limited_use.models import Consent
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.vault import blind_index

from . import facts
from .facts import HolderFacts
from .permits import Permits

SUPPORT: Final = "support"
EXPORT: Final = "export"
# From the confirmation: the longest time that a download may take.
EXPORT_LASTS: Final = timedelta(hours=2)
_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


def to_show_support(*, actor: Actor, message_id: UUID, at: datetime) -> Permits:
    """
    Call it within `acting_for_message_owner`; outside of it support sees no rows of the owner.

    :raises guard.AccessRefused: unless the owner's consent to this message is live, and the actor
        is another person with the support role
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
            # The only fence is this consent: the reading depends on nothing else.
            fences=() if item_consent is None else (consents.make_fence(item_consent),),
            feature=SUPPORT,
            count=1,
            item=message_id,
            names=holder_facts.names,
        )
        for data_class in _MAIL
    ]
    return _get_permits(requests, at=at)


def to_find_person(*, actor: Actor, search_id: UUID, is_within_bound: bool, at: datetime) -> Permit:
    """
    The permit hashes an address that the agent typed. Its ledger entry is about the search: the
    person is not known before.

    :raises guard.AccessRefused:
    """
    true_facts = {Fact.LOOKUPS_WITHIN_BOUND} if is_within_bound else set()
    if _is_support(actor):
        true_facts.add(Fact.AGENT_IS_SUPPORT)
    request = AccessRequest(
        use=blind_index.SUPPORT_USE,
        holder=blind_index.LOOKUP_HOLDER,
        epoch=0,
        actor=actor,
        on_behalf_of=None,
        facts=frozenset(true_facts),
        count=1,
        about=search_id,
    )
    return guard.permit(request, at=at)


@contextmanager
def acting_for_message_owner(message_id: UUID, *, at: datetime) -> Generator[None]:
    """
    Act for the owner who opened this message to support.

    The database shows these consents to support while they are live. `to_show_support` checks the
    rest.
    """
    item_consents = Consent.objects.filter(
        feature=SUPPORT, item=message_id, withdrawn_at=None, expires_at__gt=at
    )
    owner = item_consents.order_by("-id").values_list("owner_id", "organisation_id").first()
    with row_owner.acting_for(*owner) if owner else nullcontext():
        yield


def to_export(*, actor: Actor, export_id: UUID, count: int, at: datetime) -> Permits:
    """
    :param count: messages in this part
    :raises guard.AccessRefused: if the export is another person's, unconfirmed, too old, ended,
        or its integration is gone
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
    """See `to_export`."""
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
    # Only the membership is fenced: owners may export mail without consenting to the inbox.
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
    """The null UUID, which owns nothing, stands for a missing one."""
    unknown_id = UUID(int=0)
    return actor.user_id or unknown_id, actor.organisation_id or unknown_id


def _is_support(actor: Actor) -> bool:
    user_id, _ = get_owner_ids(actor)
    # The user row is visible only to its own person.
    with row_owner.acting_for(user_id, None):
        return User.objects.active().filter(id=user_id, role=Role.SUPPORT).exists()


def _get_permits(requests: list[AccessRequest], *, at: datetime) -> Permits:
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }
