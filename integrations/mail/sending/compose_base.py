"""The rows that a message is written from: mailboxes, answered message, earlier text, files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.db.models import QuerySet

from integrations.access import permits, sending_permits
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import (
    LIVE,
    Attachment,
    DraftProposal,
    Integration,
    Message,
    OutboxCommand,
    OutboxKind,
    OutboxState,
    Upload,
)
from integrations.outbox import uploads
from integrations.providers import PROVIDERS
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks.sealed_rows import Permits, SealedRow
from limited_use.vault.sealed import SealedValue

from . import proposal_list, send_message
from .answer_defaults import AnswerMode
from .message_owner import get_owner_columns

#: States in which the owner may write on, and send again.
EDITABLE: Final = (OutboxState.FAILED, OutboxState.UNDONE, OutboxState.UNKNOWN)


class CommandLeft(Exception):
    """The command is being sent, or was. Show the outbox."""


@dataclass(frozen=True, slots=True)
class ComposeSource:
    """
    The rows that the page's URL or form names.

    :param answered_id: message that is answered or forwarded
    :param command_id: unsent message to edit
    :param proposal_id: proposed draft
    """

    mailbox_id: UUID | None = None
    answered_id: UUID | None = None
    mode: AnswerMode | None = None
    command_id: UUID | None = None
    proposal_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ComposeBase:
    """
    :param mailboxes: to choose from; the mailbox alone if the message belongs to it
    :param mailbox: None if the person has none that could send
    """

    source: ComposeSource
    mailboxes: Sequence[Integration]
    mailbox: Integration | None
    answered: Message | None = None
    command: OutboxCommand | None = None
    proposal: DraftProposal | None = None
    files: Sequence[Upload] = field(default=())

    @property
    def is_ready(self) -> bool:
        """Return whether the mailbox can be written to now."""
        return self.mailbox is not None and send_message.is_ready(self.mailbox)

    @property
    def draft(self) -> OutboxCommand | DraftProposal | None:
        return self.command or self.proposal


def list_sending_mailboxes(context: RequestContext) -> list[Integration]:
    """Return the person's live mailboxes at providers that send, the oldest first."""
    own = _filter_own_mailboxes(context).filter(status__in=LIVE)
    return [
        mailbox
        for mailbox in own.order_by("id")
        if PROVIDERS[mailbox.connection.provider].outgoing_mail is not None
    ]


def find_compose_base(
    context: RequestContext, source: ComposeSource, upload_ids: Sequence[UUID] | None = None
) -> ComposeBase:
    """
    :param upload_ids: files that the form has; None: those of the unsent message
    :raises ObjectNotFound: if a named row is missing or another person's
    :raises CommandLeft:
    """
    mailboxes = list_sending_mailboxes(context)
    command = _find_command(context, source.command_id)
    proposal = None
    if source.proposal_id is not None:
        proposal = proposal_list.find_own_proposal(context, source.proposal_id)
    draft = command or proposal
    answered_id = source.answered_id or (draft.replied_message_id if draft else None)
    answered = _find_answered(context, answered_id, may_be_gone=source.answered_id is None)
    owner = draft or answered
    if owner is not None:
        mailboxes = [mailbox for mailbox in mailboxes if mailbox.id == owner.integration_id]
        if source.mailbox_id not in {None, owner.integration_id}:
            raise ObjectNotFound
    mailbox = _choose_mailbox(mailboxes, source.mailbox_id)
    if upload_ids is not None:
        files = _find_uploads(mailbox, upload_ids)
    else:
        files = uploads.list_uploads(command.id) if command else []
    return ComposeBase(source, mailboxes, mailbox, answered, command, proposal, files)


def find_forwarded_ids(answered: Message | None, chosen_ids: Sequence[UUID]) -> tuple[UUID, ...]:
    """
    Return the chosen files of the forwarded message.

    :raises ObjectNotFound: if one is not of that message
    """
    if not chosen_ids:
        return ()
    stored = (
        Attachment.objects.filter(id__in=chosen_ids, message=answered).values_list("id", flat=True)
        if answered is not None
        else ()
    )
    if set(chosen_ids) - set(stored):
        raise ObjectNotFound
    return tuple(dict.fromkeys(chosen_ids))


def permit_base(context: RequestContext, base: ComposeBase) -> tuple[SealedRow, Permits]:
    """
    Return one row with all sealed values of the form, and the permits to show them.

    :raises limited_use.guard.guard.AccessRefused:
    """
    sealed: dict[str, SealedValue | None] = {
        f"email:{mailbox.id}": mailbox.connection.email for mailbox in base.mailboxes
    }
    granted: dict[tuple[UUID, DataClass], Permit] = {}
    connection_ids = list({mailbox.connection_id for mailbox in base.mailboxes})
    granted |= permits.to_show_accounts(
        actor=context.actor, connection_ids=connection_ids, at=context.at
    )
    counts: dict[DataClass, int] = {}
    if base.draft is not None and base.draft.content is not None:
        sealed["content"] = base.draft.content
        counts[DataClass.MAIL_CONTENT] = 1
    if base.files:
        sealed |= {f"file:{upload.id}": upload.descriptor for upload in base.files}
        counts[DataClass.MAIL_METADATA] = len(base.files)
    holder = _get_holder_id(base)
    if holder is not None and counts:
        granted |= sending_permits.to_read_outbox(
            actor=context.actor,
            counts={holder: max(counts.values())},
            data_classes=tuple(counts),
            at=context.at,
        )
    if base.answered is not None:
        sealed["summary"] = base.answered.summary
        granted |= permits.to_display(
            actor=context.actor,
            counts={base.answered.integration_id: 1},
            data_classes=(DataClass.MAIL_METADATA,),
            at=context.at,
        )
    return SealedRow(base, sealed), granted


def _filter_own_mailboxes(context: RequestContext) -> QuerySet[Integration]:
    own = Integration.objects.owned_by(**get_owner_columns(context))
    return own.filter(product="mail").select_related("connection")


def _choose_mailbox(
    mailboxes: Sequence[Integration], mailbox_id: UUID | None
) -> Integration | None:
    if mailbox_id is None:
        ready = [mailbox for mailbox in mailboxes if send_message.is_ready(mailbox)]
        return next(iter([*ready, *mailboxes]), None)
    chosen = next((mailbox for mailbox in mailboxes if mailbox.id == mailbox_id), None)
    if chosen is None:
        raise ObjectNotFound
    return chosen


def _find_answered(
    context: RequestContext, message_id: UUID | None, *, may_be_gone: bool
) -> Message | None:
    if message_id is None:
        return None
    own = Message.objects.filter(
        **get_owner_columns(context),
        integration__status__in=LIVE,
    )
    message = own.filter(id=message_id).first()
    if message is None and not may_be_gone:
        raise ObjectNotFound
    return message


def _find_command(context: RequestContext, command_id: UUID | None) -> OutboxCommand | None:
    if command_id is None:
        return None
    own = OutboxCommand.objects.filter(
        **get_owner_columns(context),
        integration__status__in=LIVE,
        kind=OutboxKind.MAIL,
    )
    command = own.filter(id=command_id).first()
    if command is None:
        raise ObjectNotFound
    if command.state not in EDITABLE:
        raise CommandLeft
    return command


def _find_uploads(mailbox: Integration | None, upload_ids: Sequence[UUID]) -> list[Upload]:
    """
    Return those that still exist; whether they are ready is checked when they are sent.

    :param mailbox: the person's; a file belongs to one mailbox, whose permit opens its name
    """
    if mailbox is None:
        return []
    return list(Upload.objects.filter(integration=mailbox, id__in=upload_ids).order_by("id"))


def _get_holder_id(base: ComposeBase) -> UUID | None:
    if base.draft is not None:
        return base.draft.integration_id
    return base.files[0].integration_id if base.files else None
