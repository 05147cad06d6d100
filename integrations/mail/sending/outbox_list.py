"""The owner's messages that were not sent, and those that were sent in the last 30 days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet

from integrations.access import sending_permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import (
    LIVE,
    OPEN_STATES,
    Message,
    OutboxCommand,
    OutboxKind,
    OutboxState,
)
from integrations.outbox.command_outcomes import LISTED_FOR
from integrations.web.newest_rows import NewestRows, find_newest
from limited_use.sinks.sealed_rows import Permits, SealedRow

from .message_owner import get_owner_columns

#: How long the inbox names a message that was just settled.
RECENT: Final = timedelta(seconds=60)
#: Messages that the inbox counts.
MAX_COUNTED: Final = 100
_KIND: Final = "outbox"
#: The provider's and our clock may differ, and a message may arrive late in the copy.
_CLOCK_TOLERANCE: Final = timedelta(minutes=10)
#: States that wait for the owner.
_UNSETTLED: Final = (*OPEN_STATES, OutboxState.FAILED, OutboxState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class OutboxRows:
    """
    :param rows: of `OutboxCommand`; of a sent one with the summary of its message
    :param thread_ids: conversations of sent messages, by command
    """

    rows: Sequence[SealedRow]
    thread_ids: Mapping[UUID, UUID]


@dataclass(frozen=True, slots=True)
class OutboxSummary:
    """
    :param count: messages that are on their way, or wait for their owner
    :param latest: the newest that is on its way, or was just settled
    """

    count: int
    latest: OutboxCommand | None


def get_outbox_page(
    context: RequestContext, *, cursor: str | None = None, limit: int = 50
) -> NewestRows[OutboxCommand]:
    """:raises page_cursors.InvalidCursor, page_cursors.ExpiredCursor:"""
    own = _filter_own(context).select_related("integration__connection")
    # Sent messages are deleted once they are this old; all others stay until their owner acts.
    is_listed = Q(changed_at__gt=context.at - LISTED_FOR) | ~Q(state=OutboxState.SENT)
    own = own.filter(is_listed)
    return find_newest(own, context, kind=_KIND, cursor=cursor, limit=limit)


def find_rows(context: RequestContext, commands: Sequence[OutboxCommand]) -> OutboxRows:
    """Return the sealed rows of listed commands."""
    sent_messages = _find_sent_messages(context, commands)
    return OutboxRows(
        [_make_row(command, sent_messages.get(command.id)) for command in commands],
        {command_id: message.thread_id for command_id, message in sent_messages.items()},
    )


def permit_rows(context: RequestContext, rows: Sequence[SealedRow]) -> Permits:
    """
    Ask the guard once for rows of commands and of proposed drafts.

    :raises limited_use.guard.guard.AccessRefused:
    """
    counts = Counter(
        row.row.integration_id
        for row in rows
        if any(sealed is not None for sealed in row.sealed.values())
    )
    return sending_permits.to_read_outbox(actor=context.actor, counts=counts, at=context.at)


def get_outbox_summary(context: RequestContext) -> OutboxSummary:
    """Send one query."""
    is_recent = Q(changed_at__gt=context.at - RECENT) & ~Q(state=OutboxState.UNDONE)
    shown = _filter_own(context).filter(Q(state__in=_UNSETTLED) | is_recent)
    found = list(shown.defer("content", "remote").order_by("-id")[:MAX_COUNTED])
    unsettled = [command for command in found if command.state in _UNSETTLED]
    latest = [
        command
        for command in found
        if command.state in OPEN_STATES or command.changed_at > context.at - RECENT
    ]
    return OutboxSummary(len(unsettled), latest[0] if latest else None)


def find_own_command(context: RequestContext, command_id: UUID) -> OutboxCommand:
    """:raises ObjectNotFound:"""
    command = _filter_own(context).defer("content", "remote").filter(id=command_id).first()
    if command is None:
        raise ObjectNotFound
    return command


def _filter_own(context: RequestContext) -> QuerySet[OutboxCommand]:
    return OutboxCommand.objects.filter(
        **get_owner_columns(context),
        integration__status__in=LIVE,
        kind=OutboxKind.MAIL,
    )


def _make_row(command: OutboxCommand, sent_message: Message | None) -> SealedRow:
    summary = sent_message.summary if sent_message is not None else None
    return SealedRow(command, {"content": command.content, "summary": summary})


def _find_sent_messages(
    context: RequestContext, listed: Sequence[OutboxCommand]
) -> dict[UUID, Message]:
    """Find the synced messages by the keyed hash of their Message-ID, and by their time."""
    sent = {
        (command.integration_id, bytes(command.rfc822_blind)): command
        for command in listed
        if command.rfc822_blind is not None and command.sent_at is not None
    }
    if not sent:
        return {}
    times: list[datetime] = [
        at for command in sent.values() for at in (command.sending_at, command.sent_at) if at
    ]
    synced = Message.objects.filter(
        **get_owner_columns(context),
        received_at__gte=min(times) - _CLOCK_TOLERANCE,
        received_at__lte=max(times) + _CLOCK_TOLERANCE,
        rfc822_blind__in=[blind for _, blind in sent],
    )
    return {
        sent[key].id: message
        for message in synced
        if (key := (message.integration_id, bytes(message.rfc822_blind or b""))) in sent
    }
