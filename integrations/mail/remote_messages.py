"""
Show a message that is not stored: fetched for each view inside the sink, then discarded. Each
view is permitted and recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from integrations.access import permits
from integrations.access.fences import DisconnectedError
from integrations.access.permits import Permits
from integrations.coordination import person_slots
from integrations.formats.mime import safe_text
from integrations.grants import provider_calls
from integrations.models import Connection
from integrations.providers import PROVIDERS, errors
from integrations.providers.mail import FetchTarget, RemoteMessage, RemoteThread
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.sinks import page_sink
from limited_use.sinks.sealed_rows import SealedRow
from limited_use.vault.sealing import get_sealer

from . import (
    ObjectNotFound,
    RequestContext,
    file_stream,
    inline_images,
    messages,
    remote_message_refs,
    visible_mailboxes,
)
from .file_stream import AttachmentDownload
from .remote_message_refs import RemoteMailbox, RemoteMessageRef
from .sync import message_codec

_FULL_CLASSES: Final = (DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT)


@dataclass(frozen=True, slots=True)
class RemoteMessageFetch:
    """
    :param rate_limits: the error if the provider's limit prevented the fetch; known after
        rendering
    """

    row: SealedRow
    permits: Permits
    shape: Callable[[RemoteMailbox, Mapping[str, bytes]], page_sink.TemplateItem]
    rate_limits: list[errors.RateLimited]


def prepare_remote_message_head(
    context: RequestContext, ref: RemoteMessageRef
) -> RemoteMessageFetch:
    """
    Show the names of files, and no text.

    :raises ObjectNotFound, limited_use.guard.guard.AccessRefused:
    """
    row, granted = _prepare_row(context, ref)
    rate_limits: list[errors.RateLimited] = []

    def shape_head(mailbox: RemoteMailbox, opened: Mapping[str, bytes]) -> page_sink.TemplateItem:
        try:
            message = _fetch_message(
                mailbox, remote_message_refs.read_remote_message_ref(opened)["id"]
            )
        except (errors.ProviderError, DisconnectedError) as error:
            if isinstance(error, errors.RateLimited):
                rate_limits.append(error.with_traceback(None))
            return page_sink.TemplateItem(
                {
                    "failed": messages.explain_message_error(error),
                    "is_passing": bool(rate_limits),
                    "needs_reconnect": isinstance(error, messages.ACCESS_ERRORS),
                    "mailbox": mailbox,
                }
            )
        permit = granted[mailbox.integration_id, DataClass.MAIL_METADATA]
        key = get_sealer(holder=mailbox.integration_id, epoch=permit.epoch)
        files = [
            {
                "place": remote_message_refs.make_remote_message_ref(
                    key, {"id": message.message_id, "part": part.part, "filename": part.filename}
                ),
                "filename": part.filename,
                "size": part.size,
            }
            for part in message.mail.attachments
            if not part.is_inline
        ]
        return page_sink.TemplateItem(
            {"failed": ""}, {**remote_message_refs.shape_summary(message, mailbox), "files": files}
        )

    return RemoteMessageFetch(row, granted, shape_head, rate_limits)


def render_body(context: RequestContext, ref: RemoteMessageRef) -> bytes:
    """
    Return safe HTML, with inline images.

    :raises ObjectNotFound, errors.ProviderError:
    """
    row, granted = _prepare_row(context, ref)
    reader = _BodyReader()
    document = page_sink.render_document(
        row, permits=granted, actor=context.actor, shape=reader.shape_document, at=context.at
    )
    if reader.failed is not None:
        raise reader.failed
    return document


def download_file(context: RequestContext, ref: RemoteMessageRef) -> AttachmentDownload:
    """
    :raises ObjectNotFound: also if the reference is not to a file
    :raises errors.ProviderError:
    """
    row, granted = _prepare_row(context, ref)
    return file_stream.stream_attachment_file(
        context,
        row,
        permits=granted,
        connection_id=row.row.connection_id,
        locate_part=_locate_file,
        shape_filename=_shape_filename,
    )


class _BodyReader:
    def __init__(self) -> None:
        self.failed: Exception | None = None

    def shape_document(self, mailbox: RemoteMailbox, opened: Mapping[str, bytes]) -> dict[str, Any]:
        # One wait for the text and its images.
        with person_slots.hold_wait_slot():
            return self._fetch_document(
                mailbox, remote_message_refs.read_remote_message_ref(opened)["id"]
            )

    def _fetch_document(self, mailbox: RemoteMailbox, message_id: str) -> dict[str, Any]:
        try:
            message = _fetch_message(mailbox, message_id)
        except (errors.ProviderError, DisconnectedError) as error:
            self.failed = error.with_traceback(None)
            return {"body": ""}
        text = safe_text.decode_safe_text(
            safe_text.encode_safe_text(message.shown, message_codec.get_inline_parts(message.mail))
        )
        return {
            "body": inline_images.embed_pictures(mailbox.connection_id, message.message_id, text)
        }


def _locate_file(opened: Mapping[str, bytes]) -> tuple[str, str]:
    address = remote_message_refs.read_remote_message_ref(opened)
    if "part" not in address:
        raise ObjectNotFound
    return address["id"], address["part"]


def _prepare_row(context: RequestContext, ref: RemoteMessageRef) -> tuple[SealedRow, Permits]:
    mailboxes = visible_mailboxes.find_visible_mailboxes(context)
    connection_id = mailboxes.connection_ids.get(ref.integration_id)
    if connection_id is None:
        raise ObjectNotFound
    sealed = ref.decode_seal()
    provider_key = Connection.objects.values_list("provider", flat=True).get(id=connection_id)
    granted = permits.to_display(
        actor=context.actor,
        counts={ref.integration_id: 1},
        data_classes=_FULL_CLASSES,
        at=context.at,
        snapshot=mailboxes.mailbox_facts,
    )
    provider = PROVIDERS[provider_key]
    mailbox = RemoteMailbox(ref.integration_id, connection_id, provider.label, provider.webmail_url)
    return SealedRow(mailbox, {"where": sealed}), granted


def _fetch_message(mailbox: RemoteMailbox, message_id: str) -> RemoteMessage:
    with provider_calls.open_mailbox(mailbox.connection_id) as (units, call):
        (answer,) = call(
            units.fetch,
            lambda adapter: adapter.fetch_messages([FetchTarget(message_id=message_id)]),
        )
    if not isinstance(answer, RemoteThread):
        raise answer
    return answer.messages[0]


def _shape_filename(_: RemoteMailbox, opened: Mapping[str, bytes]) -> dict[str, Any]:
    return {"filename": remote_message_refs.read_remote_message_ref(opened)["filename"]}
