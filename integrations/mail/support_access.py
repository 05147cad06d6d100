"""
A message that its owner opens to support for a limited time.

Support sees ids, end times and organisations; content only through the sink, under a permit that
names the item. Only the owner's consent is stored.
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
from integrations.models import (
    LIVE,
    ItemKind,
    Message,
    MessageBody,
    QuestionState,
    SupportQuestion,
)
from limited_use.agreements import consents
from limited_use.models import Consent
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem

from . import ObjectNotFound, PermittedMailRows, mail_row_types, message_text
from .mail_row_types import MessageRow

# The owner's choices of hours.
HOURS: Final = (1, 24, 72)
MOST_LISTED: Final = 200


@dataclass(frozen=True, slots=True)
class SupportItem:
    """An item has no content before it is read."""

    id: UUID
    until: datetime
    organisation: str


def get_own_message(*, actor: Actor, message_id: UUID) -> Message:
    """:raises ObjectNotFound:"""
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


def get_support_message_head(*, actor: Actor, message: Message, at: datetime) -> PermittedMailRows:
    row = SealedRow(MessageRow(message, None), {"summary": message.summary})
    granted = permits.to_display(
        actor=actor,
        counts={message.integration_id: 1},
        data_classes=(DataClass.MAIL_METADATA,),
        at=at,
    )
    return PermittedMailRows([row], granted)


def open_to_support(
    *, actor: Actor, message_id: UUID, hours: int, version: int, at: datetime
) -> Consent:
    """
    :param version: of the accepted text
    :raises ObjectNotFound:
    :raises InvalidChoice: if `hours` is not one of `HOURS`
    :raises consents.DeclarationOutdated: if the text has changed since
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
    Return whether the message was open.

    :raises ObjectNotFound:
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


def find_waiting_question(*, actor: Actor, at: datetime) -> UUID | None:
    """Return the id of the oldest question of support that the owner can answer with a message."""
    user_id, _ = support_and_export_permits.get_owner_ids(actor)
    waiting = SupportQuestion.objects.filter(
        user_id=user_id, kind=ItemKind.MESSAGE, state=QuestionState.WAITING, expires_at__gt=at
    )
    return waiting.order_by("asked_at", "id").values_list("id", flat=True).first()


def get_support_end_times(
    *, actor: Actor, message_ids: Iterable[UUID], at: datetime
) -> Mapping[UUID, datetime]:
    user_id, organisation_id = support_and_export_permits.get_owner_ids(actor)
    open_consents = _get_open_consents(at).filter(
        owner_id=user_id, organisation_id=organisation_id, item__in=list(message_ids)
    )
    return {item: ends for item, ends in open_consents.values_list("item", "expires_at") if ends}


def list_open_items(*, actor: Actor, at: datetime) -> list[SupportItem]:
    """Return the item with the soonest end first."""
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
    with row_owner.acting_for(*owner):
        messages = Message.objects.filter(id__in=items, user_id=owner[0], organisation_id=owner[1])
        return list(messages.filter(integration__status__in=LIVE).values_list("id", flat=True))


def get_permitted_message(*, actor: Actor, message_id: UUID, at: datetime) -> PermittedMailRows:
    """
    A refusal is recorded, too.

    :raises limited_use.guard.guard.AccessRefused: if the item is not open to the agent
    :raises ObjectNotFound: if it was deleted
    """
    with support_and_export_permits.acting_for_message_owner(message_id, at=at):
        granted = support_and_export_permits.to_show_support(
            actor=actor, message_id=message_id, at=at
        )
        bodies = MessageBody.objects.select_related("message").defer("content")
        try:
            body = bodies.get(message_id=message_id)
            # First: loading the deferred original drops the loaded message.
            message = body.message
            text = message_text.get_sealed_columns(body)
        except MessageBody.DoesNotExist:
            raise ObjectNotFound from None
    return PermittedMailRows(
        [SealedRow(MessageRow(message, None), {"summary": message.summary, **text})], granted
    )


def make_support_item_shape(
    item: PermittedMailRows,
) -> Callable[[MessageRow, Mapping[str, bytes]], TemplateItem]:
    """
    Show participants, subject and text.

    :param item: from `get_permitted_message`
    """
    (message_row,) = item.rows

    def shape_message(row: MessageRow, opened: Mapping[str, bytes]) -> TemplateItem:
        listed = mail_row_types.shape_message_summary(row, opened)
        opened_values = {name: listed[name] for name in ("subject", "from", "to", "cc")}
        # A process for staff changes no mail.
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
