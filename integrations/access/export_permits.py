"""
Permits to export a mailbox, which need a separate confirmation.

As in `permits`, an unknown or foreign object has no facts: it is refused and recorded.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from accounts.actors import Actor
from integrations.models import Export
from limited_use.access_request import AccessRequest
from limited_use.guard import guard
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use

from . import facts
from .facts import HolderFacts
from .permits import Permits
from .request_context import get_owner_ids

EXPORT: Final = "export"
# From the confirmation: the longest time that a download may take.
EXPORT_LASTS: Final = timedelta(hours=2)
_MAIL: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


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
    true_facts = holder_facts.facts | ({Fact.EXPORT_ASKED} if is_confirmed else set())
    # Owners may export mail without consenting to the inbox.
    holder_facts = replace(holder_facts, facts=true_facts).keep_membership_fences()
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


def _get_permits(requests: list[AccessRequest], *, at: datetime) -> Permits:
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }
