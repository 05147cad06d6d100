"""Order a message: ask the guard, seal it, and store the command that sends it."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from django.db import transaction

from integrations.access import scopes, sending_bounds, sending_permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import (
    FETCHABLE,
    Attachment,
    ConnectionStatus,
    DraftProposal,
    Integration,
    Message,
    OutboxCommand,
)
from integrations.outbox import commands
from integrations.outbox.command_content import CommandContent
from integrations.outbox.commands import MailOrder
from integrations.providers import PROVIDERS
from limited_use.agreements import consents
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault import sealing

from .composed_message import WrittenMessage
from .message_owner import get_owner_columns

SENDING: str = "mail-sending"
_CAPABILITY = "mail.send"


class SendingNotAllowed(Exception):
    """The owner has not agreed to sending, or the grant does not cover it. Ask in context."""


def get_own_mailbox(context: RequestContext, integration_id: UUID) -> Integration:
    """
    Return the person's connected mailbox, with its connection.

    :raises ObjectNotFound:
    """
    own = Integration.objects.live().owned_by(**get_owner_columns(context))
    mailbox = own.select_related("connection").filter(id=integration_id, product="mail").first()
    if mailbox is None:
        raise ObjectNotFound
    return mailbox


def check_ready(mailbox: Integration) -> None:
    """:raises ObjectNotFound: if the mailbox cannot be written to now"""
    if not is_ready(mailbox):
        raise ObjectNotFound


def is_ready(mailbox: Integration) -> bool:
    """Return whether the mailbox can be written to now."""
    return mailbox.status in FETCHABLE and mailbox.connection.status == ConnectionStatus.ACTIVE


def is_sending_allowed(mailbox: Integration) -> bool:
    """Return whether the grant covers sending, and the owner agreed to it."""
    connection = mailbox.connection
    provider = PROVIDERS[connection.provider]
    is_granted = _CAPABILITY in scopes.get_usable_capabilities(provider, connection.granted_scopes)
    return is_granted and SENDING in consents.list_agreed_features(
        owner_id=connection.user_id, organisation_id=connection.organisation_id
    )


def order_message(  # noqa: PLR0913 - an order, and what stores it
    context: RequestContext,
    mailbox: Integration,
    written: WrittenMessage,
    content: CommandContent,
    *,
    undo_seconds: int,
    on_stored: Callable[[OutboxCommand], None] | None = None,
) -> OutboxCommand:
    """
    Store the message in the outbox. It leaves after `undo_seconds`.

    :param content: of `written`, checked
    :param on_stored: called in the transaction
    :raises SendingNotAllowed, ObjectNotFound, fences.DisconnectedError:
    :raises integrations.outbox.upload_errors.UploadNotReady:
    :raises limited_use.guard.guard.AccessRefused: also if a bound is reached
    """
    if not is_sending_allowed(mailbox):
        raise SendingNotAllowed
    _check_answered(written, mailbox)
    order = MailOrder(
        integration=mailbox,
        content=content,
        undo_seconds=undo_seconds,
        upload_ids=written.upload_ids,
        replied_message_id=written.answered_id,
        replaces=written.replaces,
    )
    try:
        return _store(context, order, written.proposal_id, on_stored)
    except sending_bounds.BoundReached:
        # Concurrent requests used the rest of the bound: the guard refuses, and records it.
        return _store(context, order, written.proposal_id, on_stored)


def _store(
    context: RequestContext,
    order: MailOrder,
    proposal_id: UUID | None,
    on_stored: Callable[[OutboxCommand], None] | None,
) -> OutboxCommand:
    integration, at = order.integration, context.at
    granted = sending_permits.to_order_mail(
        actor=context.actor,
        integration_id=integration.id,
        message=order.outgoing_message,
        at=at,
    )
    permit = granted[integration.id, DataClass.MAIL_CONTENT]
    sealer = sealing.get_sealer(holder=integration.id, epoch=permit.epoch)
    with transaction.atomic(durable=True):
        command = commands.store_mail_command(order, sealer=sealer, at=at)
        # The membership is locked, as by a withdrawal.
        if not is_sending_allowed(integration):
            raise SendingNotAllowed
        if proposal_id is not None:
            _use_proposal(proposal_id, command)
        if on_stored is not None:
            on_stored(command)
    return command


def _check_answered(written: WrittenMessage, mailbox: Integration) -> None:
    """:raises ObjectNotFound: if message or files are not of this mailbox"""
    if written.answered_id is None:
        if written.forwarded_ids:
            raise ObjectNotFound
        return
    answered = Message.objects.filter(id=written.answered_id, integration=mailbox)
    if not answered.exists():
        raise ObjectNotFound
    forwarded_ids = set(written.forwarded_ids)
    files = Attachment.objects.filter(id__in=forwarded_ids, message__in=answered)
    if files.count() < len(forwarded_ids):
        raise ObjectNotFound


def _use_proposal(proposal_id: UUID, command: OutboxCommand) -> None:
    """The owner sends a proposed draft: it becomes the owner's message."""
    proposal = DraftProposal.objects.filter(
        id=proposal_id,
        integration_id=command.integration_id,
        user_id=command.user_id,
        organisation_id=command.organisation_id,
    ).first()
    if proposal is None:
        raise ObjectNotFound
    OutboxCommand.objects.filter(id=command.id).update(proposed_by=proposal.feature)
    proposal.delete()
