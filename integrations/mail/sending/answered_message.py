"""The stored message that a command answers or forwards, opened for its own provider."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from integrations.access.permits import Permits
from integrations.formats.mime import safe_text
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.quoted_text import QuotedMessage
from integrations.models import Message, MessageBody
from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import provider_sink


@dataclass(frozen=True, slots=True)
class AnsweredMessage:
    """
    :param provider_id: the provider's id
    :param thread_id: the provider's id of its thread
    :param message_id: its Message-ID, without angle brackets
    :param references: of the answer
    """

    provider_id: str
    thread_id: str
    message_id: str
    references: tuple[str, ...]
    quoted: QuotedMessage


def open_answered_message(
    message_id: UUID,
    integration_id: UUID,
    permits: Permits,
    *,
    to: ProviderAccess,
    at: datetime,
) -> AnsweredMessage:
    """:raises errors.Gone: if it is no longer stored"""
    message = Message.objects.filter(id=message_id, integration_id=integration_id).first()
    body = MessageBody.objects.filter(message_id=message_id).first()
    if message is None or body is None:
        raise errors.Gone("the answered message is no longer stored")
    (summary,) = provider_sink.pick_parts(
        [message.summary],
        permits[integration_id, DataClass.MAIL_METADATA],
        orjson.loads,
        to=to,
        at=at,
    )
    content_permit = permits[integration_id, DataClass.MAIL_CONTENT]
    (content,) = provider_sink.pick_parts(
        [body.content], content_permit, orjson.loads, to=to, at=at
    )
    text = content["text"]
    if not text and body.shown is not None:
        # HTML only: the plain text that was made of it.
        (shown,) = provider_sink.pick_parts(
            [body.shown], content_permit, safe_text.decode_safe_text, to=to, at=at
        )
        text = shown.text
    return _build_answered_message(summary, content, text, message.received_at)


def _build_answered_message(
    summary: dict[str, Any], content: dict[str, Any], text: str, received_at: datetime
) -> AnsweredMessage:
    message_id = summary["message_id"]
    earlier = content["references"] or content["in_reply_to"]
    senders = _decode_addresses(summary["from"])
    return AnsweredMessage(
        provider_id=summary["provider_id"],
        thread_id=summary["provider_thread_id"],
        message_id=message_id,
        references=(*earlier, message_id) if message_id else tuple(earlier),
        quoted=QuotedMessage(
            sender=senders[0] if senders else MailAddress("", ""),
            to=_decode_addresses(summary["to"]),
            cc=_decode_addresses(summary["cc"]),
            subject=summary["subject"],
            sent_at=received_at,
            text=text,
        ),
    )


def _decode_addresses(values: list[list[str]]) -> tuple[MailAddress, ...]:
    return tuple(MailAddress(*value) for value in values)
