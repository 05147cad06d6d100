"""
References to messages and files at the provider that are not stored, and their summaries.

A reference is sealed under the mailbox's key, so it may appear in page addresses and browser
histories: only its owner can use it, and it dies with the mailbox's disconnect.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from accounts.ids import uuid7
from integrations.models import SetAside
from integrations.providers.mail import RemoteMessage
from limited_use.vault.sealed import SealedValue
from limited_use.vault.sealing import Sealer

from . import ObjectNotFound, mail_row_types
from .mail_row_types import MessageListColumns, MessageRow
from .sync import message_codec

# A column for a sealed provider id.
_REMOTE_ID_FIELD: Final = SetAside._meta.get_field("remote_id")  # noqa: SLF001


@dataclass(frozen=True, slots=True)
class RemoteMailbox:
    """
    :param provider: its label
    :param webmail_url: the provider's own mail pages
    """

    integration_id: UUID
    connection_id: UUID
    provider: str
    webmail_url: str


@dataclass(frozen=True, slots=True)
class RemoteMessageRef:
    """
    To a message, or to a part of one.

    :param row: made for this reference; the seal is bound to it
    :param seal: ciphertext, in base64url
    """

    integration_id: UUID
    row: UUID
    seal: str

    def decode_seal(self) -> SealedValue:
        """:raises ObjectNotFound: if the seal is no ciphertext"""
        try:
            value = urlsafe_b64decode(self.seal + "=" * (-len(self.seal) % 4))
        except ValueError:
            raise ObjectNotFound from None
        handle = _REMOTE_ID_FIELD.bind_ciphertext(value, holder=self.integration_id, row=self.row)
        if handle is None:
            raise ObjectNotFound
        return handle


def make_remote_message_ref(key: Sealer, address: Mapping[str, str]) -> RemoteMessageRef:
    row = uuid7()
    sealed = key.seal_value(SetAside, "remote_id", row=row, data=orjson.dumps(address))
    return RemoteMessageRef(
        key.holder, row, urlsafe_b64encode(sealed.ciphertext).rstrip(b"=").decode()
    )


def read_remote_message_ref(opened: Mapping[str, bytes]) -> dict[str, str]:
    address: dict[str, str] = orjson.loads(opened["where"])
    return address


def shape_summary(message: RemoteMessage, mailbox: RemoteMailbox) -> mail_row_types.MailJson:
    """Return the keys of the inbox."""
    no_id = UUID(int=0)
    listed = MessageListColumns(
        id=no_id,
        integration_id=mailbox.integration_id,
        thread_id=no_id,
        received_at=message.received_at,
        size=message.size,
        is_unread=message.filing.is_unread,
        is_starred=message.filing.is_starred,
        has_attachments=message.mail.has_attachments,
        folders=[],
        summary=b"",
        labels=None,
    )
    summary = message_codec.encode_summary(message, [uuid7() for _ in message.mail.attachments])
    return mail_row_types.shape_message_summary(
        MessageRow(listed, mailbox.connection_id), {"summary": summary}
    )
