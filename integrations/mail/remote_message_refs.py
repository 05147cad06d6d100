"""
Where something is at its provider that is not kept here: an address for it, and its head.

The address is sealed under the mailbox's own key. So it may stand on a page and in a browser's
history: nobody else reads it, and it leads nowhere once the mailbox is disconnected.
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
from integrations.providers import errors
from integrations.providers.mail import RemoteMessage
from limited_use.vault.sealed import Sealed
from limited_use.vault.sealing import Sealer

from . import NotFound, row_types
from .row_types import Listed, MessageRow
from .sync import message_codec

# The column that holds a provider's id, sealed.
_FIELD: Final = SetAside._meta.get_field("remote_id")  # noqa: SLF001
_WHY: Final[Mapping[type[Exception], str]] = {
    errors.GrantRevoked: "Access ended at the provider. Reconnect the account in Settings.",
    errors.ScopeMissing: "The permission to read mail was not given.",
    errors.RateLimited: "The provider asks us to slow down. Please try again in a minute.",
    errors.Gone: "The provider no longer has it: it was deleted there.",
    errors.Rejected: "It cannot be read here. Open it at the provider.",
}
TRY_LATER: Final = "The provider is not answering now. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Box:
    """A mailbox, and the name of its provider."""

    integration_id: UUID
    connection_id: UUID
    provider: str


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a message, or a part of one, is.

    :param row: made for this place alone; the seal is bound to it
    :param seal: ciphertext, as it stands in an address
    """

    integration_id: UUID
    row: UUID
    seal: str

    def sealed(self) -> Sealed:
        """:raises NotFound: if that is no ciphertext"""
        try:
            value = urlsafe_b64decode(self.seal + "=" * (-len(self.seal) % 4))
        except ValueError:
            raise NotFound from None
        handle = _FIELD.handle(value, holder=self.integration_id, row=self.row)
        if handle is None:
            raise NotFound
        return handle


def place(key: Sealer, where: Mapping[str, str]) -> Place:
    """Return the address of what `where` says, under the mailbox's key."""
    row = uuid7()
    sealed = key.seal(SetAside, "remote_id", row=row, data=orjson.dumps(where))
    return Place(key.holder, row, urlsafe_b64encode(sealed.ciphertext).rstrip(b"=").decode())


def where(opened: Mapping[str, bytes]) -> dict[str, str]:
    """Return what an opened address says."""
    found: dict[str, str] = orjson.loads(opened["where"])
    return found


def head(one: RemoteMessage, box: Box) -> row_types.Shape:
    """Return what a list shows of a message, in the words of the one inbox."""
    nobody = UUID(int=0)
    listed = Listed(
        id=nobody,
        integration_id=box.integration_id,
        thread_id=nobody,
        received_at=one.received_at,
        size=one.size,
        is_unread=one.filing.is_unread,
        is_starred=one.filing.is_starred,
        has_attachments=one.mail.has_attachments,
        folders=[],
        summary=b"",
        labels=None,
    )
    summary = message_codec.summary(one, [uuid7() for _ in one.mail.attachments])
    return row_types.message_summary(MessageRow(listed, box.connection_id), {"summary": summary})


def why(error: Exception) -> str:
    """Return in plain words why something could not be had."""
    return next((_WHY[kind] for kind in type(error).__mro__ if kind in _WHY), TRY_LATER)
