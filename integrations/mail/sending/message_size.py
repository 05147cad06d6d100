"""Whether a message fits what its provider accepts, before it is stored."""

from __future__ import annotations

from integrations.formats.mime import composer
from integrations.models import Attachment
from integrations.outbox.command_content import CommandContent
from integrations.providers import PROVIDERS

from . import messages
from .compose_base import ComposeBase
from .composed_message import InvalidMessage


def check_size(base: ComposeBase, content: CommandContent) -> None:
    """
    Measure an upper bound, without the quoted text and the signature, which the worker adds. The
    size of a forwarded file is the provider's estimate.

    :raises InvalidMessage:
    """
    limits = PROVIDERS[base.mailbox.connection.provider].outgoing_mail if base.mailbox else None
    if limits is None:
        return
    sizes = [upload.size for upload in base.files]
    if content.forwarded_ids:
        forwarded = Attachment.objects.filter(id__in=content.forwarded_ids)
        sizes += forwarded.values_list("size", flat=True)
    if composer.measure_message(content.text, sizes) > limits.max_message_bytes:
        raise InvalidMessage({"files": messages.TOO_LARGE})
