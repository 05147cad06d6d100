"""What owners decide about their messages in the outbox: undo, delete, look again, settle."""

from __future__ import annotations

from uuid import UUID

from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import OutboxCommand, OutboxState
from integrations.outbox import commands

from .message_owner import get_owner_columns
from .outbox_list import find_own_command


def undo_outbox_message(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """
    Take a waiting message back. A message that was taken back stays so.

    :raises ObjectNotFound:
    :raises commands.CommandNotUndoable: if it is leaving, or has left
    """
    command = find_own_command(context, command_id)
    try:
        commands.undo_command(command.id, at=context.at, **get_owner_columns(context))
    except commands.CommandNotUndoable:
        # A retry, or another request of the owner that was faster.
        if find_own_command(context, command_id).state != OutboxState.UNDONE:
            raise
    return find_own_command(context, command_id)


def discard_outbox_message(context: RequestContext, command_id: UUID) -> None:
    """
    Delete a settled message. None is undone here: a retry would then delete its text.

    :raises ObjectNotFound, commands.CommandOpen:
    """
    command = find_own_command(context, command_id)
    commands.discard_command(command.id, at=context.at, **get_owner_columns(context))


def look_again(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """:raises ObjectNotFound, commands.CommandNotUnknown:"""
    command = find_own_command(context, command_id)
    try:
        commands.look_again(command.id, at=context.at, **get_owner_columns(context))
    except ObjectNotFound:
        raise commands.CommandNotUnknown from None
    return find_own_command(context, command_id)


def settle_as_sent(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """:raises ObjectNotFound, commands.CommandNotUnknown:"""
    command = find_own_command(context, command_id)
    try:
        commands.settle_as_sent(command.id, at=context.at, **get_owner_columns(context))
    except ObjectNotFound:
        raise commands.CommandNotUnknown from None
    return find_own_command(context, command_id)
