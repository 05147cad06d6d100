"""
Encode one message for the tables: columns in clear for lists, JSON to seal for the rest.

Pure. `integrations.models.mail` describes the JSON; `integrations.mail.mail_row_types` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import orjson

from integrations.formats.mime.addresses import MailAddress
from integrations.formats.mime.message import AttachmentPart, ParsedMessage
from integrations.providers.mail import MessageFiling, RemoteMessage

# A message in none of these is archived.
_STANDARD_FOLDERS = frozenset({"inbox", "sent", "drafts", "spam", "trash"})
ARCHIVE = "archive"


def encode_folders(filing: MessageFiling) -> str:
    """Return our names, sorted, joined by commas."""
    names = {name for name in filing.folders if "," not in name}
    if not names & _STANDARD_FOLDERS:
        names.add(ARCHIVE)
    return ",".join(sorted(names))


def encode_labels(filing: MessageFiling) -> bytes | None:
    ids = sorted({encode_label(label) for label in filing.labels})
    return orjson.dumps(ids) if ids else None


def encode_label(label_id: str) -> str:
    """Write lone surrogates as escapes."""
    return label_id.encode("utf-8", "backslashreplace").decode()


def encode_summary(remote: RemoteMessage, attachment_ids: Iterable[UUID]) -> bytes:
    mail = remote.mail
    return orjson.dumps(
        {
            "provider_id": remote.message_id,
            "provider_thread_id": remote.thread_id,
            "message_id": mail.message_id,
            "subject": mail.subject,
            "snippet": remote.snippet,
            "from": _encode_addresses(mail.from_),
            "to": _encode_addresses(mail.to),
            "cc": _encode_addresses(mail.cc),
            "bcc": _encode_addresses(mail.bcc),
            "reply_to": _encode_addresses(mail.reply_to),
            "attachments": [
                [str(row), part.filename, part.content_type, part.size, part.is_inline]
                for row, part in zip(attachment_ids, mail.attachments, strict=True)
            ],
        }
    )


def encode_body(remote: RemoteMessage) -> bytes:
    """Exports use the original, and it can make the shown text again."""
    mail = remote.mail
    return orjson.dumps(
        {
            "text": mail.text,
            "html": mail.html,
            "headers": mail.headers,
            "inline": get_inline_parts(mail),
            "in_reply_to": mail.in_reply_to,
            "references": mail.references,
            "defects": mail.defects,
            "reconstructed": remote.is_reconstructed,
        }
    )


def get_inline_parts(mail: ParsedMessage) -> dict[str, tuple[str, str]]:
    """Return (path, content type) of the parts that the text may reference, by content id."""
    return {
        part.content_id: (part.part, part.content_type)
        for part in mail.attachments
        if part.content_id
    }


def encode_descriptor(part: AttachmentPart) -> bytes:
    """Return the values that fetch and name the attachment."""
    return orjson.dumps(
        {
            "filename": part.filename,
            "content_type": part.content_type,
            "content_id": part.content_id,
            "part": part.part,
        }
    )


def _encode_addresses(addresses: Sequence[MailAddress]) -> list[Any]:
    return [(address.name, address.address) for address in addresses]
