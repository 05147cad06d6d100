"""
The port to a provider's mail.

The service sees responses only as the types of this module, of `outgoing_mail`, `calendars` and
`errors`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from integrations.formats.mime.message import ParsedMessage
from integrations.formats.mime.safe_bodies import SanitisedText

from .errors import ProviderError
from .file_download import FileDownload
from .outgoing_mail import MailSender
from .provider_access import ProviderAccess

_ID: Final = re.compile(r"[\x21-\x7e]{1,1024}")


def is_provider_id(value: object) -> bool:
    """Ids of both providers are printable ASCII."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def parse_provider_id(value: object) -> str:
    """:raises ValueError: if the value is not printable ASCII"""
    if isinstance(value, str) and is_provider_id(value):
        return value
    raise ValueError("no provider's id")


def get_item_name(resource: object, position: int) -> str:
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
    `folders` are system labels in Antares's names (inbox, sent, drafts, important, category
    names, spam, trash). `labels` are ids of the user's own labels.
    """

    folders: tuple[str, ...]
    labels: tuple[str, ...]
    is_unread: bool
    is_starred: bool


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """
    A parsed message, without the bytes of its attachments.

    `received_at` is the provider's clock, aware UTC. `size` is an estimate in bytes. `snippet` is
    plain text. `shown` is the text for display.

    :param is_reconstructed: read from the provider's properties
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
    """Oldest first, outside spam and trash. `rejected` maps ids to one-word reasons."""

    messages: tuple[RemoteMessage, ...]
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """A message or a thread: exactly one id is set."""

    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class MailboxProfile:
    """`message_count` includes messages that are never fetched. `cursor` is for `get_changes`."""

    message_count: int
    cursor: str


@dataclass(frozen=True, slots=True)
class MessageListPage:
    """
    Ids, newest first. A page may be empty without being the last.

    `next_page` is opaque. `estimate` is a rough total, for progress only.
    """

    refs: tuple[MessageRef, ...]
    next_page: str | None
    estimate: int


@dataclass(frozen=True, slots=True)
class FilingChange:
    ref: MessageRef
    filing: MessageFiling


@dataclass(frozen=True, slots=True)
class MailChangePage:
    """
    Folded changes: each message is in one of the three tuples only.

    `upserted` are to be fetched, and may be gone. `deleted` includes spam and trash. `filings`
    holds the filing of those `upserted` that may have no other change: stored ones need not be
    fetched. `cursor` is opaque. With `has_more`, call again at once. With `has_new_names`, label
    names may have changed.
    """

    upserted: tuple[MessageRef, ...]
    refiled: tuple[FilingChange, ...]
    deleted: tuple[str, ...]
    cursor: str
    has_more: bool = False
    filings: Mapping[str, MessageFiling] = field(default_factory=dict)
    has_new_names: bool = False


class MailAdapter(MailSender, Protocol):
    """
    One mailbox, for several threads.

    Every method may raise `Unavailable` (or `RateLimited`), `TokenRejected`, `ScopeMissing`,
    `MailboxMissing`, `AdminBlocked`, `Unexpected`. None retries: quota, clock and token are the
    caller's.
    """

    @property
    def access(self) -> ProviderAccess:
        """The access that opened the adapter."""

    @property
    def fetch_request_count(self) -> int | None:
        """Requests that `fetch_messages` has sent; None if calls cost fixed units."""

    def get_profile(self) -> MailboxProfile:
        """Read the cursor before any listing."""

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
        Return a page of ids, newest first, outside spam and trash.

        :param since: inclusive, to the second
        :param until: exclusive, to the second
        :param query: the text of a search box
        """

    def fetch_messages(
        self, targets: Sequence[FetchTarget]
    ) -> Sequence[RemoteThread | ProviderError]:
        """
        Return the result or error of each target, in order; a message is a thread of one.

        `Gone` includes spam and trash. `Rejected` has Antares's own word as `reason`; after a
        rejected thread, fetch its messages singly. Quota and concurrency count each target.
        """

    def get_changes(self, cursor: str) -> MailChangePage:
        """:raises CursorExpired: if the provider no longer knows the cursor"""

    def open_attachment(self, message_id: str, part: str) -> FileDownload:
        """
        Return a download, which the reader closes. Errors of the start are raised here.

        :param part: see `AttachmentPart`
        :raises Gone: if the message or part no longer exists
        :raises Rejected: if the file exceeds Antares's limit
        """


@dataclass(frozen=True, slots=True)
class MailUnits:
    """
    The cost of each call, in the provider's quota units.

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
    create_draft: int
    delete_drafts: int
    send_draft: int
    look_for_sent: int
    send_addresses: int
    messages_per_fetch: int = 0
