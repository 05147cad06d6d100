"""
The port to a provider's mail: the adapter's methods and their types.

The rest of the service sees a provider's responses only as the types of this module, of
`calendars` and of `errors`. No type of a client library leaves its package.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from integrations.formats.mime.message import ParsedMessage
from integrations.formats.mime.safe_bodies import SanitisedText

from .access import ProviderAccess
from .errors import ProviderError
from .file_download import FileDownload

_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}")


def is_provider_id(value: object) -> bool:
    """Return whether a value has the form of both providers' ids: printable ASCII."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def parse_provider_id(value: object) -> str:
    """
    Return a provider's id, which is printable ASCII.

    :raises ValueError: if it is anything else
    """
    if isinstance(value, str) and is_provider_id(value):
        return value
    raise ValueError("no provider's id")


def get_item_name(resource: object, position: int) -> str:
    """Return the id of an unreadable item, or its position on the page if it has none."""
    try:
        return parse_provider_id(resource["id"])  # type: ignore[index]
    except (LookupError, TypeError, ValueError):
        return f"unnamed-{position}"


@dataclass(frozen=True, slots=True)
class MessageRef:
    message_id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class MessageFiling:
    """
    Where a message is filed.

    `folders` are system labels in Antares's names (inbox, sent, drafts, important, category
    names, spam, trash). `labels` are ids of the user's own labels, named by
    `MailAdapter.get_label_names`.
    """

    folders: tuple[str, ...]
    labels: tuple[str, ...]
    is_unread: bool
    is_starred: bool


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """
    One parsed message at the provider, without the bytes of its attachments.

    `received_at` is the provider's clock, aware UTC. `size` is the provider's estimate in bytes.
    `snippet` is plain text. `shown` is the text for display.

    :param is_reconstructed: read from the provider's properties, not from the message's bytes
    :param is_mime: read from its bytes, because the provider's usual form is incomplete
    """

    message_id: str
    thread_id: str
    received_at: datetime
    size: int
    snippet: str
    filing: MessageFiling
    mail: ParsedMessage
    shown: SanitisedText
    is_reconstructed: bool = False
    is_mime: bool = False


@dataclass(frozen=True, slots=True)
class RemoteThread:
    """
    A thread's messages outside spam and trash, oldest first.

    `rejected` maps ids of unreadable messages to reasons, one word each.
    """

    messages: tuple[RemoteMessage, ...]
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """A message, or all messages of a thread: exactly one id is set."""

    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class MailboxProfile:
    """
    `message_count` includes messages that are never fetched. `cursor` is where `get_changes`
    begins.
    """

    message_count: int
    cursor: str


@dataclass(frozen=True, slots=True)
class MessageListPage:
    """
    One page of ids, newest first.

    `next_page` is opaque, and None on the last page. A page may be empty without being the last.
    `estimate` is a rough total, for progress only.
    """

    refs: tuple[MessageRef, ...]
    next_page: str | None
    estimate: int


@dataclass(frozen=True, slots=True)
class FilingChange:
    """The new filing of a message with unchanged content."""

    ref: MessageRef
    filing: MessageFiling


@dataclass(frozen=True, slots=True)
class MailChangePage:
    """
    One page of folded changes: each message is in one of the three tuples only.

    `upserted` are to be fetched, and may be gone by then. `deleted` are gone, or in spam or
    trash, which counts as gone. `filings` holds the filing of those `upserted` that may have no
    other change: a stored message need not be fetched for it. `cursor` is opaque outside the
    adapter. With `has_more`, call again at once, not at the next sync. With `has_new_names`, the
    result of `get_label_names` may have changed.
    """

    upserted: tuple[MessageRef, ...]
    refiled: tuple[FilingChange, ...]
    deleted: tuple[str, ...]
    cursor: str
    has_more: bool = False
    filings: Mapping[str, MessageFiling] = field(default_factory=dict)
    has_new_names: bool = False


class MailAdapter(Protocol):
    """
    One mailbox. Safe to call from several threads.

    Every method may raise `Unavailable` (or `RateLimited`), `TokenRejected`, `ScopeMissing`,
    `MailboxMissing`, `AdminBlocked`, `Unexpected`. None retries: quota, clock and token are the
    caller's.
    """

    @property
    def access(self) -> ProviderAccess:
        """The access that the adapter was opened with."""

    @property
    def fetch_request_count(self) -> int | None:
        """Requests that `fetch_messages` has sent; None if each call costs its fixed units."""

    def get_profile(self) -> MailboxProfile:
        """Return the mailbox's size and cursor. Read the cursor before any listing."""

    def get_label_names(self) -> Mapping[str, str]:
        """Return the names of the user's own labels, by id."""

    def list_messages(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = 500,
    ) -> MessageListPage:
        """
        Return one page of ids, newest first, outside spam and trash.

        Messages received at or after `since` and before `until`, both to the second. `query` is
        the text of a search box.
        """

    def fetch_messages(
        self, targets: Sequence[FetchTarget]
    ) -> Sequence[RemoteThread | ProviderError]:
        """
        Return the result or error of each target, in order; a message is a thread of one.

        Errors: `Gone` if the message does not exist or is in spam or trash; `Rejected` if it is
        unreadable, with Antares's own word as `reason` (of a thread: fetch its messages singly).
        Quota and concurrency count each target.
        """

    def get_changes(self, cursor: str) -> MailChangePage:
        """
        Return the changes after `cursor`.

        :raises CursorExpired: if the provider no longer knows the cursor
        """

    def open_attachment(self, message_id: str, part: str) -> FileDownload:
        """
        Return one part as a download, which the reader closes; `part` as in `AttachmentPart`.

        Errors of the start are raised here, not at the first chunk.

        :raises Gone: if the message or the part no longer exists
        :raises Rejected: if the file is larger than Antares carries
        """


@dataclass(frozen=True, slots=True)
class MailUnits:
    """
    The cost of each call of a `MailAdapter` or `MailWatch`, in the provider's quota units.

    `messages_per_fetch` is the best number of targets for one `fetch_messages`; 0: the number of
    concurrent calls.
    """

    profile: int
    labels: int
    list_page: int
    fetch: int
    fetch_thread: int
    changes: int
    attachment: int
    watch: int
    stop: int
    messages_per_fetch: int = 0
