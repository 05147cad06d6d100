"""
What an adapter to a provider's mail does, and what it takes and returns.

Everything that the rest of the service sees of a provider's answers is in here, in `calendars` and
in `errors`: no client library's type leaves its package.
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
    """Return whether a value is an id as both providers write theirs: printable ASCII."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def parse_provider_id(value: object) -> str:
    """
    Return a provider's id as it is stored: printable ASCII, as both providers write theirs.

    :raises ValueError: if it is anything else
    """
    if isinstance(value, str) and is_provider_id(value):
        return value
    raise ValueError("no provider's id")


def get_item_name(resource: object, position: int) -> str:
    """Return the id of what cannot be read; where it has none, its place on the page."""
    try:
        return parse_provider_id(resource["id"])  # type: ignore[index]
    except (LookupError, TypeError, ValueError):
        return f"unnamed-{position}"


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message by the provider's ids."""

    message_id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class MessageFiling:
    """
    Where a message is filed.

    `folders` are system labels in our words (inbox, sent, drafts, important,
    category names, spam, trash); `labels` are ids of the user's own, whose
    names are in `MailAdapter.labels()`.
    """

    folders: tuple[str, ...]
    labels: tuple[str, ...]
    is_unread: bool
    is_starred: bool


@dataclass(frozen=True, slots=True)
class RemoteMessage:
    """
    One message as the provider has it, read, without its attachments' bytes.

    `received_at` is the provider's clock, aware UTC; `size` is its estimate in
    bytes; `snippet` is plain text; `shown` is what is shown of its text.

    :param is_reconstructed: read by properties that the provider made of it, not from its bytes
    :param is_mime: read from its bytes, because the provider's usual way does not show it whole
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

    `rejected` maps the ids of those that cannot be read to why, in a word.
    """

    messages: tuple[RemoteMessage, ...]
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FetchTarget:
    """A message, or all of a thread: one of the two ids is given."""

    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class MailboxProfile:
    """`message_count` includes what we do not fetch; `cursor` is where `changes` would begin."""

    message_count: int
    cursor: str


@dataclass(frozen=True, slots=True)
class MessageListPage:
    """
    One page of ids, newest first.

    `next_page` is opaque; None on the last page, and a page may be empty
    without being the last. `estimate` is a rough total, for progress only.
    """

    refs: tuple[MessageRef, ...]
    next_page: str | None
    estimate: int


@dataclass(frozen=True, slots=True)
class FilingChange:
    """How a message is filed now; its content is unchanged."""

    ref: MessageRef
    filing: MessageFiling


@dataclass(frozen=True, slots=True)
class MailChangePage:
    """
    One page of changes, already folded: a message is in one of the three only.

    `upserted` are to be fetched (by now they may be gone again). `deleted` are
    gone, or in spam or trash, which is the same to us. `cursor` is opaque to
    everyone but the adapter that made it. `more` means: call again with it
    now, rather than at the next sync. `filings` says how those of `upserted` are filed that may be
    only filed otherwise: a message that is here already need not be fetched for that.
    `has_new_names`: the answer of `labels` may have changed.
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

    Every method may raise `Unavailable` (or `RateLimited`), `TokenRejected`,
    `ScopeMissing`, `MailboxMissing`, `AdminBlocked`, `Unexpected`. None
    retries: the caller has the quota, the clock and the token.
    """

    @property
    def access(self) -> ProviderAccess:
        """What it was opened with."""

    @property
    def fetch_request_count(self) -> int | None:
        """Requests that `fetch` sent so far; None: each of its calls costs what its units say."""

    def get_profile(self) -> MailboxProfile:
        """Return the size of the mailbox and its cursor. Read the cursor before any listing."""

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

        `since` keeps what was received at or after it, `until` what was received before it,
        both to the second; `query` is what a user types into a search box.
        """

    def fetch_messages(
        self, targets: Sequence[FetchTarget]
    ) -> Sequence[RemoteThread | ProviderError]:
        """
        Return what each of `wanted` brings, in order, or the error that it met.

        A message comes as a thread of one. Errors of one: `Gone` if it no longer exists, or
        is in spam or trash; `Rejected` if it cannot be read, and `reason` is a word of ours (of
        a thread: fetch its messages singly). As few round trips as the provider allows;
        in its quota, and as calls at once, each counts by itself.
        """

    def get_changes(self, cursor: str) -> MailChangePage:
        """
        Return what changed after `cursor`.

        :raises CursorExpired: if the provider no longer remembers it
        """

    def open_attachment(self, message_id: str, part: str) -> FileDownload:
        """
        Return one part as it arrives; `part` as in `AttachmentPart`. Its reader closes it.

        What can go wrong at the beginning is raised here, not at the first piece.

        :raises Gone: if the message or the part no longer exists
        :raises Rejected: if it is larger than we carry
        """


@dataclass(frozen=True, slots=True)
class MailUnits:
    """
    What each call of a `MailAdapter` or `MailWatch` costs, in the provider's quota units.

    `fetched_together` are as many messages as one `fetch` should be asked for; 0: as many as calls
    may be under way.
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
