"""Order a message once, although a form is sent twice: by a double click, a reload or a retry."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

import orjson
from django.db import transaction

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import Integration, OutboxCommand
from integrations.outbox.command_content import CommandContent
from integrations.outbox.upload_errors import UploadNotReady
from integrations.web import idempotency
from integrations.web.idempotency import KeyedRequest, RequestHashes
from limited_use.guard.guard import AccessRefused

from . import send_message
from .composed_message import WrittenMessage

_ROUTE = "inbox-compose"


class _OrderedBefore(Exception):
    """A concurrent request of the same form stored the message."""


def hash_order(
    context: RequestContext, key: str, mailbox_id: UUID | None, written: WrittenMessage
) -> RequestHashes:
    """:param key: of the form"""
    body = orjson.dumps({"mailbox": mailbox_id, **asdict(written)})
    return idempotency.hash_request(context, KeyedRequest(_ROUTE, key, body))


def find_ordered(hashes: RequestHashes, context: RequestContext) -> UUID | None:
    """
    Return the id of the command that the same form stored.

    :raises idempotency.IdempotencyKeyReused: if the form's text differs
    """
    with transaction.atomic():
        return idempotency.find_result(hashes, at=context.at)


def order_once(  # noqa: PLR0913 - an order, and the request that it belongs to
    context: RequestContext,
    mailbox: Integration,
    written: WrittenMessage,
    content: CommandContent,
    hashes: RequestHashes,
    *,
    undo_seconds: int,
) -> UUID:
    """
    Return the command's id. Raises as `send_message.order_message`.

    :raises idempotency.IdempotencyKeyReused:
    """

    def store_result(command: OutboxCommand) -> None:
        # The membership is locked: no other request of the person is here.
        if idempotency.find_result(hashes, at=context.at) is not None:
            raise _OrderedBefore
        idempotency.store_result(hashes, mailbox, created=command.id, at=context.at)

    try:
        command = send_message.order_message(
            context,
            mailbox,
            written,
            content,
            undo_seconds=undo_seconds,
            on_stored=store_result,
        )
    except (_OrderedBefore, AccessRefused, ObjectNotFound, UploadNotReady):
        # The other request took the files, the edited message, or the last message of a bound.
        earlier_id = find_ordered(hashes, context)
        if earlier_id is None:
            raise
        return earlier_id
    return command.id
