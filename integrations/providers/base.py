"""
What a provider is, and what an adapter to its mail does.

Everything that the rest of the service sees of a provider is in here and in
`errors`: no client library's type leaves its package.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from integrations.mime.message import ParsedMessage

from .calendars import CalendarAdapter
from .errors import ProviderError
from .pushes import CalendarWatch, MailWatch, Subscriptions


@dataclass(frozen=True, slots=True)
class MessageRef:
    """A message by the provider's ids."""

    message_id: str
    thread_id: str


@dataclass(frozen=True, slots=True)
class Labels:
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
    One message as the provider has it, parsed, without its attachments' bytes.

    `received_at` is the provider's clock, aware UTC; `size` is its estimate in
    bytes; `snippet` is plain text.
    """

    message_id: str
    thread_id: str
    received_at: datetime
    size: int
    snippet: str
    filing: Labels
    mail: ParsedMessage


@dataclass(frozen=True, slots=True)
class RemoteThread:
    """
    A thread's messages outside spam and trash, oldest first.

    `rejected` maps the ids of those that cannot be read to why, in a word.
    """

    messages: tuple[RemoteMessage, ...]
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message, or all of a thread: one of the two ids is given."""

    message_id: str = ""
    thread_id: str = ""


@dataclass(frozen=True, slots=True)
class MailboxProfile:
    """`message_count` includes what we do not fetch; `cursor` is where `changes` would begin."""

    email: str
    message_count: int
    cursor: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """
    One page of ids, newest first.

    `next_page` is opaque; None on the last page, and a page may be empty
    without being the last. `estimate` is a rough total, for progress only.
    """

    refs: tuple[MessageRef, ...]
    next_page: str | None
    estimate: int


@dataclass(frozen=True, slots=True)
class Relabelled:
    """How a message is filed now; its content is unchanged."""

    ref: MessageRef
    filing: Labels


@dataclass(frozen=True, slots=True)
class ChangePage:
    """
    One page of changes, already folded: a message is in one of the three only.

    `upserted` are to be fetched (by now they may be gone again). `deleted` are
    gone, or in spam or trash, which is the same to us. `cursor` is opaque to
    everyone but the adapter that made it. `more` means: call again with it
    now, rather than at the next sync.
    """

    upserted: tuple[MessageRef, ...]
    relabelled: tuple[Relabelled, ...]
    deleted: tuple[str, ...]
    cursor: str
    more: bool = False


class MailAdapter(Protocol):
    """
    One mailbox. Safe to call from several threads.

    Every method may raise `Unavailable` (or `RateLimited`), `TokenRejected`,
    `ScopeMissing`, `MailboxMissing`, `AdminBlocked`, `Unexpected`. None
    retries: the caller has the quota, the clock and the token.
    """

    def profile(self) -> MailboxProfile:
        """Return the mailbox's own account of itself. Read the cursor before any listing."""

    def labels(self) -> Mapping[str, str]:
        """Return the names of the user's own labels, by id."""

    def list_page(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = 500,
    ) -> ListPage:
        """
        Return one page of ids, newest first, outside spam and trash.

        `since` keeps what was received at or after it, `until` what was received before it,
        both to the second; `query` is what a user types into a search box.
        """

    def fetch(self, wanted: Sequence[Wanted]) -> Sequence[RemoteThread | ProviderError]:
        """
        Return what each of `wanted` brings, in order, or the error that it met.

        A message comes as a thread of one. Errors of one: `Gone` if it no longer exists, or
        is in spam or trash; `Rejected` if it cannot be read, and `reason` is a word of ours (of
        a thread: fetch its messages singly). As few round trips as the provider allows;
        in its quota, and as calls at once, each counts by itself.
        """

    def changes(self, cursor: str) -> ChangePage:
        """
        Return what changed after `cursor`.

        :raises CursorExpired: if the provider no longer remembers it
        """

    def attachment(self, message_id: str, part: str) -> Iterator[bytes]:
        """
        Return the bytes of one part, in pieces; `part` as in `AttachmentPart`.

        What can go wrong at the beginning is raised here, not at the first piece.

        :raises Gone: if the message or the part no longer exists
        :raises Rejected: if it is larger than we carry
        """


@dataclass(frozen=True, slots=True)
class MailUnits:
    """What each call of a `MailAdapter` or `MailWatch` costs, in the provider's quota units."""

    profile: int
    labels: int
    list_page: int
    fetch: int
    fetch_thread: int
    changes: int
    attachment: int
    watch: int
    stop: int


@dataclass(frozen=True, slots=True)
class Access:
    """
    What an adapter needs.

    `token` returns a bearer token, fresh enough to use now; it may raise what
    a refresh raises. `root_url` is the API's, from settings.
    """

    token: Callable[[], str] = field(repr=False)
    root_url: str


@dataclass(frozen=True, slots=True)
class Capability:
    """What a feature may ask for by name: the scopes it takes and the API methods it calls."""

    key: str
    says: str
    scopes: frozenset[str]
    methods: frozenset[str]


@dataclass(frozen=True, slots=True)
class Provider:
    """
    What a provider is, as data.

    `issuer` is the provider's own (what is checked is that of the `Endpoints`);
    `identity_scopes` are asked for whatever else is. `scope_aliases` maps the
    names that a provider answers with to those that we ask for.
    `revocation_pages` are where a user withdraws at the provider itself, one for each kind of
    account. `subject_claims` of an id_token name an account for ever, together; `address_claims`
    are those that may show it.
    `refusals` are numbers that a token endpoint gives beside its word, where the number says more.
    `pace` is what the settings call how fast its mailboxes may be read.
    """

    key: str
    label: str
    issuer: str
    authorize_params: Mapping[str, str]
    identity_scopes: frozenset[str]
    scope_aliases: Mapping[str, str]
    capabilities: Mapping[str, Capability]
    revocation_pages: tuple[str, ...]
    subject_claims: tuple[str, ...] = ("sub",)
    address_claims: tuple[str, ...] = ("email",)
    # Compared in lower case, and without this in front of them.
    scope_prefix: str = ""
    # Asked for, and never named among what was granted: what it brings shows whether it was.
    unnamed_scopes: frozenset[str] = frozenset()
    refusals: Mapping[int, type[ProviderError]] = field(default_factory=dict)
    # Whether guests are told of every change of an event, whoever asks not to.
    always_notifies: bool = False
    # Whether an administrator may have to allow what somebody asks for, and is asked there: from
    # here that looks as if they had said no, or had not come back.
    asks_administrators: bool = False
    # Whether anything is granted by anybody; what lives here is nobody's to grant.
    grants: bool = True
    # Whether a grant can be given back by us; else the person alone ends it, on that page.
    revokes: bool = True
    # Whether a person may leave single permissions out.
    has_single_permissions: bool = True
    # Whether what comes back from the consent page names who it is of (RFC 9207).
    names_issuer: bool = True
    pace: str = ""
    mail_units: MailUnits | None = None
    open_mail: Callable[[Access], AbstractContextManager[MailAdapter]] | None = None
    watch_mail: Callable[[Access], AbstractContextManager[MailWatch]] | None = None
    watch_calendars: Callable[[Access], AbstractContextManager[CalendarWatch]] | None = None
    # Where news of everything comes by subscriptions, instead of either.
    subscriptions: Callable[[Access], AbstractContextManager[Subscriptions]] | None = None
    open_calendars: Callable[[Access], AbstractContextManager[CalendarAdapter]] | None = None

    @property
    def products(self) -> frozenset[str]:
        """Return what can be brought in from here."""
        opened = {"mail": self.open_mail, "calendar": self.open_calendars}
        return frozenset(product for product, way in opened.items() if self.grants and way)

    def scopes_for(self, capabilities: frozenset[str]) -> frozenset[str]:
        """Return what to ask for: identity, and what `capabilities` take."""
        if not self.grants:
            return frozenset()
        asked = set(self.identity_scopes)
        for key in capabilities:
            asked |= self.capabilities[key].scopes
        return frozenset(asked)

    def normalised(self, scopes: str) -> frozenset[str]:
        """Return the scopes of a token response in the names that we ask for."""
        found = (self.scope_aliases.get(scope, scope) for scope in scopes.split())
        if not self.scope_prefix:
            return frozenset(found)
        # Whatever case and prefix they come back in: those that we know, as we write them.
        known = {scope.lower(): scope for scope in self.scopes_for(frozenset(self.capabilities))}
        prefix = self.scope_prefix.lower()
        bare = {scope.lower().removeprefix(prefix): scope for scope in found}
        return frozenset(known.get(name, scope) for name, scope in bare.items())
