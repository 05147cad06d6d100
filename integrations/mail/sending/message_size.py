"""Whether a message fits what its provider accepts, before it is stored."""

from __future__ import annotations

from typing import Final

from integrations.models import Attachment
from integrations.outbox.command_content import CommandContent
from integrations.providers import PROVIDERS

from . import messages
from .compose_base import ComposeBase
from .composed_message import InvalidMessage

# Base64 in lines of 76 characters: 57 bytes become 78.
_LINE_BYTES: Final = 57
_LINE_LENGTH: Final = 78


def check_size(base: ComposeBase, content: CommandContent) -> None:
    """
    Estimate; the worker measures exactly.

    :raises InvalidMessage:
    """
    limits = PROVIDERS[base.mailbox.connection.provider].outgoing_mail if base.mailbox else None
    if limits is None:
        return
    sizes = [upload.size for upload in base.files]
    if content.forwarded_ids:
        forwarded = Attachment.objects.filter(id__in=content.forwarded_ids)
        sizes += forwarded.values_list("size", flat=True)
    encoded_size = sum(-(-size // _LINE_BYTES) * _LINE_LENGTH for size in sizes)
    if encoded_size + len(content.text.encode()) > limits.max_message_bytes:
        raise InvalidMessage({"files": messages.TOO_LARGE})
