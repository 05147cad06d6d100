"""Turn a command of the owner into a mail: text, signature, quoted text, thread and files."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import Final

import orjson

from integrations.access import sending_permits
from integrations.access.permits import Permits
from integrations.formats.mime import quoted_text
from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.outgoing_file import OutgoingFile
from integrations.models import Attachment, OutboxCommand, SendingSettings, Upload
from integrations.outbox import command_content, uploads
from integrations.outbox.command_content import CommandContent, QuoteKind
from integrations.outbox.dispatch_failures import SENDER_REASON
from integrations.outbox.outbox_turn import OutboxTurn
from integrations.providers import errors
from integrations.providers.outgoing_mail import OutgoingMail, SendAddress
from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import provider_sink

from . import subjects
from .answered_message import AnsweredMessage, open_answered_message

_NO_FILE: Final = "the forwarded message no longer has this file"


class OwnerMail:
    """A kind of command: see `integrations.outbox.outbox_turn.CommandKind`."""

    def authorize(self, command: OutboxCommand, *, at: datetime) -> None:
        sending_permits.to_send_command(command=command, at=at)

    def build_mail(self, turn: OutboxTurn) -> OutgoingMail:
        command, at = turn.command, turn.clock()
        permits = sending_permits.to_send_command(command=command, at=at)
        content = _open_content(turn, permits, at)
        answered = None
        if content.quote and command.replied_message_id is not None:
            answered = open_answered_message(
                command.replied_message_id,
                command.integration_id,
                permits,
                to=turn.adapter.access,
                at=at,
            )
        sender = _find_sender(turn, content.sender.address)
        text = quoted_text.append_signature(
            content.text, _open_own_signature(turn, permits, at) or sender.signature
        )
        is_reply = content.quote == QuoteKind.REPLY and answered is not None
        keeps_thread = is_reply and subjects.is_same_subject(
            content.subject, answered.quoted.subject if answered else ""
        )
        return OutgoingMail(
            tag=turn.tag,
            sender=sender.address,
            to=content.to,
            cc=content.cc,
            bcc=content.bcc,
            subject=content.subject,
            text=_append_quote(text, content.quote, answered),
            in_reply_to=answered.message_id if is_reply and answered else "",
            references=answered.references if is_reply and answered else (),
            thread_id=answered.thread_id if keeps_thread and answered else "",
            replied_message_id=answered.provider_id if keeps_thread and answered else "",
            sent_at=at,
            files=(
                *(_make_upload_file(turn, upload, permits) for upload in _list_uploads(turn)),
                *_list_forwarded_files(turn, content, answered, permits),
            ),
        )


def _open_content(turn: OutboxTurn, permits: Permits, at: datetime) -> CommandContent:
    sealed = turn.command.content
    if sealed is None:
        raise RuntimeError("a command that is not sent has no content")
    (content,) = provider_sink.pick_parts(
        [sealed],
        permits[turn.command.integration_id, DataClass.MAIL_CONTENT],
        command_content.decode_content,
        to=turn.adapter.access,
        at=at,
    )
    return content


def _append_quote(text: str, quote: QuoteKind, answered: AnsweredMessage | None) -> str:
    if answered is None:
        return text
    if quote == QuoteKind.FORWARD:
        return quoted_text.append_forwarded(text, answered.quoted)
    return quoted_text.append_reply_quote(text, answered.quoted)


def _find_sender(turn: OutboxTurn, chosen: str) -> SendAddress:
    """
    Return the chosen address, or the account's default.

    :raises errors.Rejected: if the account cannot send from the chosen address
    """
    if not turn.limits.has_signatures:
        # The provider sends from the account's own address.
        return SendAddress(MailAddress("", ""), "", is_default=True)
    addresses = turn.call(turn.units.send_addresses, lambda adapter: adapter.get_send_addresses())
    for entry in addresses:
        is_chosen = entry.address.address.casefold() == chosen.casefold()
        if is_chosen or (entry.is_default and not chosen):
            return entry
    raise errors.Rejected("the sender is not an address of the account", reason=SENDER_REASON)


def _open_own_signature(turn: OutboxTurn, permits: Permits, at: datetime) -> str:
    """Return the owner's signature of Antares; "" without one."""
    integration_id = turn.command.integration_id
    settings = SendingSettings.objects.filter(integration_id=integration_id).first()
    if settings is None or settings.signature is None:
        return ""
    (signature,) = provider_sink.pick_parts(
        [settings.signature],
        permits[integration_id, DataClass.MAIL_CONTENT],
        bytes.decode,
        to=turn.adapter.access,
        at=at,
    )
    return signature


def _list_uploads(turn: OutboxTurn) -> list[Upload]:
    return uploads.list_uploads(turn.command.id)


def _make_upload_file(turn: OutboxTurn, upload: Upload, permits: Permits) -> OutgoingFile:
    access = turn.adapter.access
    (descriptor,) = provider_sink.pick_parts(
        [upload.descriptor],
        permits[turn.command.integration_id, DataClass.MAIL_METADATA],
        orjson.loads,
        to=access,
        at=turn.clock(),
    )
    return OutgoingFile(
        filename=descriptor["filename"],
        content_type=descriptor["content_type"],
        size=upload.size,
        open=lambda: turn.read_under_lease(
            uploads.open_upload(upload, partial(_get_content_permit, turn), to=access)
        ),
    )


def _get_content_permit(turn: OutboxTurn, at: datetime) -> Permit:
    permits = sending_permits.to_send_command(command=turn.command, at=at)
    return permits[turn.command.integration_id, DataClass.MAIL_CONTENT]


def _list_forwarded_files(
    turn: OutboxTurn,
    content: CommandContent,
    answered: AnsweredMessage | None,
    permits: Permits,
) -> list[OutgoingFile]:
    """:raises errors.Gone: if the message no longer has one of the files"""
    if not content.forwarded_ids or answered is None:
        return []
    attachments = Attachment.objects.filter(
        id__in=content.forwarded_ids, message__id__in=[turn.command.replied_message_id]
    )
    stored = {attachment.id: attachment for attachment in attachments}
    if set(content.forwarded_ids) - stored.keys():
        raise errors.Gone(_NO_FILE)
    return [
        _make_forwarded_file(turn, stored[attachment_id], answered.provider_id, permits)
        for attachment_id in content.forwarded_ids
    ]


def _make_forwarded_file(
    turn: OutboxTurn, attachment: Attachment, message_id: str, permits: Permits
) -> OutgoingFile:
    (descriptor,) = provider_sink.pick_parts(
        [attachment.descriptor],
        permits[turn.command.integration_id, DataClass.MAIL_METADATA],
        orjson.loads,
        to=turn.adapter.access,
        at=turn.clock(),
    )

    def download() -> Iterator[bytes]:
        arriving = turn.call(
            turn.units.attachment,
            lambda adapter: adapter.open_attachment(message_id, descriptor["part"]),
        )
        try:
            yield from turn.read_under_lease(arriving)
        finally:
            arriving.close()

    return OutgoingFile(
        filename=descriptor["filename"],
        content_type=descriptor["content_type"],
        # The stored size is the provider's estimate.
        size=sum(len(piece) for piece in download()),
        open=download,
    )
