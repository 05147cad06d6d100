"""
A message that its owner opens to support for a limited time.

Support sees its id, end time and organisation; content only through the sink, under a permit that
names the message.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from integrations.access import permits, support_consents, support_permits
from integrations.access.request_context import get_owner_ids
from integrations.models import LIVE, Message, MessageBody
from limited_use.models import Consent
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.sinks.template_values import TemplateItem

from . import ObjectNotFound, PermittedMailRows, mail_row_types, message_text
from .mail_row_types import MessageRow


def get_own_message(*, actor: Actor, message_id: UUID) -> Message:
    """:raises ObjectNotFound:"""
    user_id, organisation_id = get_owner_ids(actor)
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


def open_to_support(  # noqa: PLR0913 - whose item, for how long, by which text, to whom
    *,
    actor: Actor,
    message_id: UUID,
    hours: int,
    version: int,
    at: datetime,
    reader_id: UUID | None = None,
) -> Consent:
    """
    :param version: of the accepted text
    :param reader_id: the only agent who may read it; None: any agent
    :raises ObjectNotFound:
    :raises InvalidChoice: if `hours` is not one of `support_consents.HOURS`
    :raises consents.DeclarationOutdated: if the text has changed since
    """
    message = get_own_message(actor=actor, message_id=message_id)
    return support_consents.give(
        owner_id=message.user_id,
        organisation_id=message.organisation_id,
        item_id=message.id,
        hours=hours,
        version=version,
        at=at,
        reader_id=reader_id,
    )


def withdraw_access(*, actor: Actor, message_id: UUID, at: datetime) -> bool:
    """
    Return whether the message was open.

    :raises ObjectNotFound:
    """
    message = get_own_message(actor=actor, message_id=message_id)
    return support_consents.withdraw(
        owner_id=message.user_id,
        organisation_id=message.organisation_id,
        item_id=message.id,
        at=at,
    )


def get_permitted_message(*, actor: Actor, message_id: UUID, at: datetime) -> PermittedMailRows:
    """
    A refusal is recorded, too.

    :raises limited_use.guard.guard.AccessRefused: if the item is not open to the agent
    :raises ObjectNotFound: if it was deleted
    """
    with support_permits.acting_for_item_owner(message_id, actor=actor, at=at):
        granted = support_permits.to_show_message(actor=actor, message_id=message_id, at=at)
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
