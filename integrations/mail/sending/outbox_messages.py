"""The person's messages of the outbox, by their states. Their content stays sealed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import LIVE, OutboxCommand, OutboxKind, OutboxState, SendingSettings
from integrations.outbox import commands
from integrations.web import page_cursors
from integrations.web.page_cursors import CursorPagePosition

_KIND: Final = "outbox messages"
_DEFAULT_UNDO_SECONDS: Final = 10
_NO_ORGANISATION: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class OutboxPage:
    commands: list[OutboxCommand]
    next_cursor: str | None


def list_outbox_messages(context: RequestContext, *, cursor: str | None, limit: int) -> OutboxPage:
    """
    Return the newest first.

    :raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:
    """
    own = _filter_own(context)
    if cursor is not None:
        after = page_cursors.read(
            cursor, kind=_KIND, audience=context.audience_key, filters="", at=context.at
        )
        own = own.filter(id__lt=after.id)
    rows = list(own.order_by("-id")[: limit + 1])
    page_rows = rows[:limit]
    next_cursor = None
    if len(rows) > limit:
        last = page_rows[-1]
        next_cursor = page_cursors.write(
            CursorPagePosition(last.created_at, last.id),
            kind=_KIND,
            audience=context.audience_key,
            filters="",
            at=context.at,
        )
    return OutboxPage(page_rows, next_cursor)


def get_outbox_message(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """:raises ObjectNotFound:"""
    command = _filter_own(context).filter(id=command_id).first()
    if command is None:
        raise ObjectNotFound
    return command


def get_undo_seconds(integration_id: UUID) -> int:
    """Return the time to undo that the owner chose for the mailbox."""
    chosen = SendingSettings.objects.filter(integration_id=integration_id)
    return chosen.values_list("undo_seconds", flat=True).first() or _DEFAULT_UNDO_SECONDS


def undo_outbox_message(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """
    Take a waiting message back. A message that was taken back stays so.

    :raises ObjectNotFound:
    :raises commands.CommandNotUndoable: if it is leaving, or has left
    """
    command = get_outbox_message(context, command_id)
    try:
        commands.undo_command(command.id, at=context.at, **_get_owner(command))
    except commands.CommandNotUndoable:
        # A retry, or another request of the owner that was faster.
        if get_outbox_message(context, command_id).state != OutboxState.UNDONE:
            raise
    return get_outbox_message(context, command_id)


def discard_outbox_message(context: RequestContext, command_id: UUID) -> None:
    """
    Delete a settled message. None is undone here: a retry would then delete its text.

    :raises ObjectNotFound, commands.CommandOpen:
    """
    command = get_outbox_message(context, command_id)
    commands.discard_command(command.id, **_get_owner(command))


def look_again(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """:raises ObjectNotFound, commands.CommandNotUnknown:"""
    command = get_outbox_message(context, command_id)
    try:
        commands.look_again(command.id, at=context.at, **_get_owner(command))
    except ObjectNotFound:
        raise commands.CommandNotUnknown from None
    return get_outbox_message(context, command_id)


def settle_as_sent(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """:raises ObjectNotFound, commands.CommandNotUnknown:"""
    command = get_outbox_message(context, command_id)
    try:
        commands.settle_as_sent(command.id, at=context.at, **_get_owner(command))
    except ObjectNotFound:
        raise commands.CommandNotUnknown from None
    return get_outbox_message(context, command_id)


def _filter_own(context: RequestContext) -> QuerySet[OutboxCommand]:
    """A disconnected mailbox's messages are left to its purge."""
    return OutboxCommand.objects.filter(
        integration__status__in=LIVE,
        user_id=context.user_id,
        organisation_id=context.actor.organisation_id or _NO_ORGANISATION,
        kind=OutboxKind.MAIL,
    )


def _get_owner(command: OutboxCommand) -> dict[str, UUID]:
    return {"user_id": command.user_id, "organisation_id": command.organisation_id}
