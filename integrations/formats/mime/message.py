"""What a mail message is to us, whoever delivered it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from .addresses import Address

PoisonReason = Literal["too-deep", "too-many-parts", "too-large", "undecodable"]

# Forwards of forwards reach ten; providers hand over what lies much deeper as one lump.
MAX_DEPTH: Final = 30
MAX_PARTS: Final = 1_000
# Gmail accepts 150 MiB by import; base64 and headers on top.
MAX_BYTES: Final = 210 * 1024 * 1024
# Characters of one body that are kept; the rest is dropped and named among the defects.
MAX_TEXT: Final = 2_000_000
#: Of a message or an attachment, in bytes, as it is stored.
MAX_SIZE: Final = 2**31 - 1
MAX_HEADERS: Final = 1_000
MAX_HEADER_LENGTH: Final = 64 * 1024
#: Of all headers of all parts.
MAX_HEADER_BYTES: Final = 512 * 1024
#: Of a header that says how a part is to be read: reading its parameters takes quadratic time.
MAX_STRUCTURAL_HEADER: Final = 4 * 1024
MAX_PARAMETERS: Final = 64


class PoisonMessage(Exception):
    """A message that cannot be read. Set it aside under `reason`, a word of ours, and go on."""

    def __init__(self, reason: PoisonReason) -> None:
        super().__init__(reason)
        self.reason: PoisonReason = reason


def clamp_size(size: object) -> int:
    """Return a size or count that a provider says, as a column takes it; 0 where it says none."""
    is_number = isinstance(size, int | float) and size >= 0
    return int(min(size, MAX_SIZE)) if is_number else 0  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class AttachmentPart:
    """
    What a message carries beside its text, without the bytes.

    `part` is the path to it: zero-based indexes joined by dots, "" for a
    message that is one part. It survives where a provider's attachment ids do
    not. `filename` is safe to show and is no path; `size` is in bytes after
    transfer decoding; `content_id` has no angle brackets.
    """

    position: int
    part: str
    filename: str
    content_type: str
    size: int
    content_id: str
    disposition: Literal["attachment", "inline", ""]
    is_inline: bool
    is_calendar: bool


@dataclass(frozen=True, slots=True)
class ParsedMessage:
    """
    One message, decoded.

    `html_sanitizer` is as the sender wrote it: hostile until `html_sanitizer.sanitise`. `date` is
    what the sender claims, aware UTC. `message_id`, `in_reply_to` and
    `references` have no angle brackets. `headers` are the unfolded top-level
    ones in order. `defects` are words of ours.
    """

    from_: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    date: datetime | None
    message_id: str
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    attachments: tuple[AttachmentPart, ...]
    defects: tuple[str, ...]

    @property
    def has_attachments(self) -> bool:
        """True if something is attached that is not merely shown inside the text."""
        return any(not part.is_inline for part in self.attachments)
