from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from .addresses import MailAddress

PoisonReason = Literal["too-deep", "too-many-parts", "too-large", "undecodable"]

# Nested forwards reach ten; providers return deeper parts unparsed.
MAX_DEPTH: Final = 30
MAX_PARTS: Final = 1_000
# Gmail imports 150 MiB; base64 and headers add to it.
MAX_BYTES: Final = 210 * 1024 * 1024
# Stored characters of one body; the rest is dropped and recorded as a defect.
MAX_TEXT: Final = 2_000_000
#: Stored size of a message or an attachment, in bytes.
MAX_SIZE: Final = 2**31 - 1
MAX_HEADERS: Final = 1_000
MAX_HEADER_LENGTH: Final = 64 * 1024
#: For all headers of all parts.
MAX_HEADER_BYTES: Final = 512 * 1024
#: Parsing a structural header's parameters takes quadratic time.
MAX_STRUCTURAL_HEADER: Final = 4 * 1024
MAX_PARAMETERS: Final = 64


class UnreadableMailMessage(Exception):
    """The message is unreadable or exceeds a bound: quarantine it under `reason`, our own word."""

    def __init__(self, reason: PoisonReason) -> None:
        super().__init__(reason)
        self.reason: PoisonReason = reason


def clamp_size(size: object) -> int:
    """Fit a size into a database column; 0 if absent or invalid."""
    is_number = isinstance(size, int | float) and size >= 0
    return int(min(size, MAX_SIZE)) if is_number else 0  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class AttachmentPart:
    """
    An attachment without its bytes.

    `part` is the path in the part tree: zero-based indexes joined by dots, "" for a message of
    one part. Paths are stable; providers' ids are not. `filename` is safe to show. `size` is in
    transfer-decoded bytes. `content_id` has no angle brackets.
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
    `html` is hostile until `html_sanitizer.sanitise_html`. `date` is the sender's claim, aware
    UTC. Message ids have no angle brackets. `headers` are top-level and unfolded; `defects` are
    our own words. `delivery_actions` are in lower case, of a report's recipients (RFC 3464 §2.3.3).
    """

    from_: tuple[MailAddress, ...]
    to: tuple[MailAddress, ...]
    cc: tuple[MailAddress, ...]
    bcc: tuple[MailAddress, ...]
    reply_to: tuple[MailAddress, ...]
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
    delivery_actions: tuple[str, ...] = ()

    @property
    def has_attachments(self) -> bool:
        """Ignores images in the text."""
        return any(not part.is_inline for part in self.attachments)
