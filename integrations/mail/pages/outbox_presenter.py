"""Rows of the outbox, made inside the sink, and the banner with a message's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import orjson
from django.utils.translation import gettext, ngettext

from integrations.access.request_context import RequestContext
from integrations.formats.mime.addresses import MailAddress
from integrations.mail import messages as mail_messages
from integrations.mail.sending import messages, outbox_list, proposal_list
from integrations.mail.sending.address_text import format_address_text
from integrations.mail.sending.compose_base import EDITABLE
from integrations.models import OPEN_STATES, DraftProposal, OutboxCommand, OutboxState
from integrations.outbox import command_content
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks.template_values import TemplateItem

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: The banner asks again after so many seconds.
_POLL_SECONDS: Final = 1


@dataclass(frozen=True, slots=True)
class OutboxBanner:
    """
    :param undo_seconds: left to undo; 0 if the message cannot be undone
    :param poll_seconds: until the page asks again; 0 once the state is final
    """

    command_id: UUID
    state: str
    tone: str
    label: StrOrPromise
    recipients: str
    reason: StrOrPromise
    undo_seconds: int
    poll_seconds: int


def describe_banner(command: OutboxCommand, *, at: datetime) -> OutboxBanner:
    label, tone = _describe_state(command)
    is_open = command.state in OPEN_STATES
    left = (command.undo_until - at).total_seconds()
    is_undoable = command.state == OutboxState.WAITING and left > 0
    return OutboxBanner(
        command_id=command.id,
        state=command.state,
        tone=tone or "info",
        # The undo window is part of the sending.
        label=messages.STATES[OutboxState.SENDING][0] if is_open else label,
        recipients=_count_recipients(command),
        reason=get_reason(command),
        undo_seconds=max(1, round(left)) if is_undoable else 0,
        poll_seconds=_POLL_SECONDS if is_open else 0,
    )


def describe_outbox(context: RequestContext) -> dict[str, Any]:
    """Return what the inbox shows: the newest message's state, and how many wait."""
    summary = outbox_list.get_outbox_summary(context)
    return {
        "banner": _describe_latest(summary.latest, context),
        "outbox_count": summary.count + proposal_list.count_unopened(context),
    }


def find_banner(context: RequestContext) -> OutboxBanner | None:
    """Return what a conversation shows: the newest message's state."""
    return _describe_latest(outbox_list.get_outbox_summary(context).latest, context)


def _describe_latest(latest: OutboxCommand | None, context: RequestContext) -> OutboxBanner | None:
    return None if latest is None else describe_banner(latest, at=context.at)


def get_reason(command: OutboxCommand) -> StrOrPromise:
    if command.state == OutboxState.FAILED:
        return messages.FAILURES.get(command.problem, "")
    if command.state == OutboxState.UNKNOWN:
        return messages.UNKNOWN.get(command.problem, messages.UNKNOWN_OTHER)
    return ""


@dataclass(frozen=True, slots=True)
class OutboxRowPresenter:
    """:param thread_ids: conversations of sent messages, by command"""

    thread_ids: Mapping[UUID, UUID]
    now: datetime

    def present_row(
        self, row: OutboxCommand | DraftProposal, opened: Mapping[str, bytes]
    ) -> TemplateItem:
        if isinstance(row, DraftProposal):
            return _present_proposal(row, opened)
        return self._present_command(row, opened)

    def _present_command(self, command: OutboxCommand, opened: Mapping[str, bytes]) -> TemplateItem:
        label, tone = _describe_state(command)
        recipients, subject = _read_head(opened)
        is_shown = "content" in opened or "summary" in opened
        return TemplateItem(
            clear={
                "id": command.id,
                "proposed_by": "",
                "label": label,
                "tone": tone,
                "reason": get_reason(command),
                "at": command.sent_at or command.changed_at,
                "provider": command.integration.connection.provider,
                "count": _count_recipients(command),
                "file_count": command.file_count,
                "thread_id": self.thread_ids.get(command.id),
                "is_undoable": command.state == OutboxState.WAITING
                and command.undo_until > self.now,
                "is_editable": command.state in EDITABLE and command.content is not None,
                "is_deletable": command.state not in OPEN_STATES,
                "is_unknown": command.state == OutboxState.UNKNOWN,
                "may_look": command.state == OutboxState.UNKNOWN and command.sending_at is not None,
                "is_shown": is_shown,
            },
            opened={
                "recipients": format_address_text(recipients),
                "subject": (subject or str(mail_messages.NO_SUBJECT)) if is_shown else "",
            },
        )


def name_feature(key: str) -> StrOrPromise:
    """Return the title of the feature; its key if it is no longer registered."""
    feature = FEATURES.get(key)
    return gettext(feature.title) if feature is not None else key


def _present_proposal(proposal: DraftProposal, opened: Mapping[str, bytes]) -> TemplateItem:
    label, tone = messages.PROPOSED
    recipients, subject = _read_head(opened)
    is_shown = "content" in opened
    return TemplateItem(
        clear={
            "id": proposal.id,
            "proposed_by": name_feature(proposal.feature),
            "label": label,
            "tone": tone,
            "at": proposal.created_at,
            "until": proposal.expires_at,
            "is_shown": is_shown,
        },
        opened={
            "recipients": format_address_text(recipients),
            "subject": (subject or str(mail_messages.NO_SUBJECT)) if is_shown else "",
        },
    )


def _read_head(opened: Mapping[str, bytes]) -> tuple[Sequence[MailAddress], str]:
    """Return recipients and subject: of what waits, or of the message in the mailbox."""
    if "content" in opened:
        content = command_content.decode_content(opened["content"])
        return content.recipients, content.subject
    if "summary" in opened:
        summary = orjson.loads(opened["summary"])
        entries = [*summary["to"], *summary["cc"], *summary["bcc"]]
        return [MailAddress(*entry) for entry in entries], summary["subject"]
    return (), ""


def _describe_state(command: OutboxCommand) -> tuple[StrOrPromise, str]:
    if command.state == OutboxState.SENT and command.bounced_at is not None:
        return messages.RETURNED
    return messages.STATES[OutboxState(command.state)]


def _count_recipients(command: OutboxCommand) -> str:
    count = command.recipient_count
    return ngettext("%(count)d recipient", "%(count)d recipients", count) % {"count": count}
