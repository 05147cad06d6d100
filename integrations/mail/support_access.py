"""
One message, shown to support: opened by its owner for a time, read by staff, closed again at once.

Support sees a list of ids, ends and organisations, and what is in an item only through the
sink, under a permit that names it. Nothing here is kept but the owner's agreement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from accounts import row_owner
from accounts.actors import Actor
from accounts.models import Organisation
from integrations.access import permits, support_and_export_permits
from integrations.access.request_context import InvalidChoice
from integrations.access.support_and_export_permits import SUPPORT
from integrations.models import LIVE, Message, MessageBody
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.features import FEATURES
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient
from limited_use.sinks.rows import SealedRow
from limited_use.sinks.template_values import TemplateItem

from . import ObjectNotFound, PermittedRows, message_text, row_types
from .row_types import MessageRow

# How long an owner may open a message for.
HOURS: Final = (1, 24, 72)
MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class SupportItem:
    """What support sees of an item before reading it: nothing of what is in it."""

    id: UUID
    until: datetime
    organisation: str


def get_own_message(*, actor: Actor, message_id: UUID) -> Message:
    """
    Return a message of the person's own.

    :raises NotFound: if there is none of that id, or it is somebody else's
    """
    user_id, organisation_id = support_and_export_permits.get_owner_ids(actor)
    messages = Message.objects.filter(
        id=message_id,
        user_id=user_id,
        organisation_id=organisation_id,
        integration__status__in=LIVE,
    )
    message = messages.first()
    if message is None:
        raise ObjectNotFound
    return message


def get_head(*, actor: Actor, message: Message, at: datetime) -> PermittedRows:
    """Return what names a message to its owner, with permits to show it to them."""
    row = SealedRow(MessageRow(message, None), {"summary": message.summary})
    granted = permits.to_display(
        actor=actor,
        counts={message.integration_id: 1},
        data_classes=(DataClass.MAIL_METADATA,),
        at=at,
    )
    return PermittedRows([row], granted)


def open_to_support(
    *, actor: Actor, message_id: UUID, hours: int, version: int, at: datetime
) -> Consent:
    """
    Record that the owner lets support read one message, for so many hours.

    :param version: of the words that they agreed to
    :raises NotFound: if it is not theirs
    :raises NotAChoice: if it is none of `HOURS`
    :raises consents.Outdated: if the words have changed since
    """
    message = get_own_message(actor=actor, message_id=message_id)
    if hours not in HOURS:
        raise InvalidChoice
    with transaction.atomic(durable=True):
        return consents.give(
            person_id=message.user_id,
            organisation_id=message.organisation_id,
            feature=SUPPORT,
            version=version,
            purpose=Purpose.SUPPORT_ITEM,
            recipient=Recipient.SUPPORT_AGENT,
            item=message.id,
            expires_at=at + timedelta(hours=hours),
            at=at,
        )


def withdraw_access(*, actor: Actor, message_id: UUID, at: datetime) -> bool:
    """
    Take it back, at once; return whether it was open.

    :raises NotFound: if it is not theirs
    """
    message = get_own_message(actor=actor, message_id=message_id)
    with transaction.atomic(durable=True):
        return consents.withdraw(
            person_id=message.user_id,
            organisation_id=message.organisation_id,
            feature=SUPPORT,
            item=message.id,
            at=at,
        )


def get_end_times(
    *, actor: Actor, message_ids: Iterable[UUID], at: datetime
) -> Mapping[UUID, datetime]:
    """Return until when which of the person's messages are open to support."""
    user_id, organisation_id = support_and_export_permits.get_owner_ids(actor)
    open_consents = _get_open_consents(at).filter(
        owner_id=user_id, organisation_id=organisation_id, item__in=list(message_ids)
    )
    return {item: ends for item, ends in open_consents.values_list("item", "expires_at") if ends}


def list_open_items(*, actor: Actor, at: datetime) -> list[SupportItem]:
    """Return what is open to `actor`, a person of support, those that end soonest first."""
    open_consents = (
        _get_open_consents(at).exclude(owner_id=actor.user_id).order_by("expires_at", "id")
    )
    listed = open_consents.values_list("item", "expires_at", "owner_id", "organisation_id")
    agreed = list(listed[:MOST_LISTED])
    existing_ids = {
        item
        for owner in {(owner_id, organisation) for _, _, owner_id, organisation in agreed}
        for item in _get_existing_ids(
            owner, [consent[0] for consent in agreed if consent[2:] == owner]
        )
    }
    names = dict(
        Organisation.objects.filter(id__in={consent[3] for consent in agreed}).values_list(
            "id", "name"
        )
    )
    return [
        SupportItem(item, ends, names.get(organisation, ""))
        for item, ends, _, organisation in agreed
        if item in existing_ids and ends is not None
    ]


def _get_existing_ids(owner: tuple[UUID, UUID], items: list[UUID]) -> list[UUID]:
    """Return which of the items that one owner opened are still there."""
    with row_owner.acting_for(*owner):
        messages = Message.objects.filter(id__in=items, user_id=owner[0], organisation_id=owner[1])
        return list(messages.filter(integration__status__in=LIVE).values_list("id", flat=True))


def get_permitted_message(*, actor: Actor, message_id: UUID, at: datetime) -> PermittedRows:
    """
    Return one item with the permits to show it to a person of support. Recorded, either way.

    :raises limited_use.guard.guard.AccessRefused: if it is not open to them
    :raises NotFound: if it went meanwhile
    """
    with support_and_export_permits.acting_for_message_owner(message_id, at=at):
        granted = support_and_export_permits.to_show_support(
            actor=actor, message_id=message_id, at=at
        )
        bodies = MessageBody.objects.select_related("message").defer("content")
        try:
            body = bodies.get(message_id=message_id)
            # First: to read an older text forgets the message that was read with it.
            message = body.message
            text = message_text.get_sealed_columns(body)
        except MessageBody.DoesNotExist:
            raise ObjectNotFound from None
    return PermittedRows(
        [SealedRow(MessageRow(message, None), {"summary": message.summary, **text})], granted
    )


def make_support_shape(
    item: PermittedRows,
) -> Callable[[MessageRow, Mapping[str, bytes]], TemplateItem]:
    """
    Return the shape of what support sees of a message: who, what about, and its text.

    :param item: as `reading` returned it
    """
    (message_row,) = item.rows

    def shape_message(row: MessageRow, opened: Mapping[str, bytes]) -> TemplateItem:
        listed = row_types.shape_message_summary(row, opened)
        opened_values = {name: listed[name] for name in ("subject", "from", "to", "cc")}
        # A process of staff changes no mail.
        text = message_text.open_text(message_row, opened, permits=item.permits, stores=False)
        opened_values["text"] = text.text
        return TemplateItem({"date": row.message.received_at}, opened_values)

    return shape_message


def _get_open_consents(at: datetime) -> Any:
    return Consent.objects.filter(
        feature=SUPPORT,
        version=FEATURES[SUPPORT].version,
        item__isnull=False,
        withdrawn_at=None,
        given_at__lte=at,
        expires_at__gt=at,
    )
