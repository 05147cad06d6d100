"""A mailbox in memory, with methods that change it from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage

from integrations.formats.mime import rfc5322, safe_bodies
from integrations.formats.mime.message import UnreadableMailMessage
from integrations.parsers import parse_requests
from integrations.parsers.mail_tasks import ParsedMail
from integrations.parsers.parser_frames import UnreadableItem
from integrations.providers import errors
from integrations.providers.file_download import FileDownload
from integrations.providers.google.gmail_message import map_filing
from integrations.providers.mail import (
    FetchTarget,
    FilingChange,
    MailboxProfile,
    MailChangePage,
    MessageFiling,
    MessageListPage,
    MessageRef,
    RemoteMessage,
    RemoteThread,
)
from integrations.providers.outgoing_mail import SendAddress
from integrations.providers.provider_access import ProviderAccess
from tests.fakes.outgoing_mail import FakeMailSender, StoredDraft

HIDDEN = {"spam", "trash"}


@dataclass(slots=True)
class StoredMessage:
    ref: MessageRef
    content: bytes
    received_at: datetime
    label_ids: set[str]

    @property
    def filing(self) -> MessageFiling:
        return map_filing(sorted(self.label_ids))

    @property
    def is_hidden(self) -> bool:
        return bool(HIDDEN.intersection(self.filing.folders))


class KilledDuringFetch(BaseException):
    """The process is gone: nothing after this line of it runs."""


@dataclass(slots=True)
class FakeMailbox:
    """A mailbox at the provider: messages and their history."""

    email: str = "alice@example.test"
    messages: dict[str, StoredMessage] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    history: list[tuple[int, str, str]] = field(default_factory=list)
    clock: int = 1
    remembered_from: int = 0
    refusals: list[errors.ProviderError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    # The number of the call that is killed, counted from 1; None: no call.
    kills_at: int | None = None
    page_size: int = 500
    # Called during each call of the adapter.
    meanwhile: Callable[[], object] | None = None
    # How many more calls do not report the changes, or do not find the message with this id.
    slow_history: int = 0
    unreadable: dict[str, int] = field(default_factory=dict)
    # Whether messages are read in a parser process, as an adapter reads them.
    is_isolated: bool = False
    # Changes a message after it is read, by its id; may raise.
    twisted: dict[str, Callable[[RemoteMessage], RemoteMessage]] = field(default_factory=dict)
    # The reported filing of a message after a label change, by its id.
    refiled: dict[str, MessageFiling] = field(default_factory=dict)
    # Replaces the download of any part.
    attached: Callable[[], FileDownload] | None = None
    # Raised by every call of that kind.
    failing: dict[str, BaseException] = field(default_factory=dict)
    # As `failing`, each error for one call.
    failing_once: dict[str, list[BaseException]] = field(default_factory=dict)
    drafts: dict[str, StoredDraft] = field(default_factory=dict)
    # Tags of sent mail, with the ids of its messages.
    sent: list[tuple[str, str]] = field(default_factory=list)
    # Whether so much was sent that a look cannot examine it all.
    is_busy: bool = False
    send_addresses: list[SendAddress] = field(default_factory=list)
    # Calls that take effect, and whose answer is lost.
    lost_answers: list[str] = field(default_factory=list)
    # As `failing_once`, raised after the call has taken effect.
    failing_late: dict[str, list[BaseException]] = field(default_factory=dict)

    def deliver(
        self,
        content: bytes | None = None,
        *,
        at: datetime | None = None,
        thread: str | None = None,
        label_ids: tuple[str, ...] = ("INBOX", "UNREAD"),
        message_id: str = "",
    ) -> str:
        message_id = message_id or f"m{len(self.history):08x}"
        if content is None:
            mail = EmailMessage()
            mail["From"] = "bob@example.test"
            mail["To"] = self.email
            mail["Subject"] = message_id if message_id.isprintable() else "strange"
            mail.set_content("hello\n")
            content = bytes(mail)
        self.messages[message_id] = StoredMessage(
            MessageRef(message_id, thread or message_id),
            content,
            at or datetime.now(UTC),
            set(label_ids),
        )
        self._add_history("added", message_id)
        return message_id

    def delete(self, message_id: str) -> None:
        del self.messages[message_id]
        self._add_history("deleted", message_id)

    def relabel(
        self, message_id: str, *, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()
    ) -> None:
        stored = self.messages[message_id]
        came_back = stored.is_hidden
        stored.label_ids |= set(add)
        stored.label_ids -= set(remove)
        self._add_history(
            "added" if came_back and not stored.is_hidden else "relabelled", message_id
        )

    def forget_history(self) -> None:
        self.clock += 1
        self.remembered_from = self.clock

    def refuse_next(self, error: errors.ProviderError, times: int = 1) -> None:
        self.refusals += [error] * times

    def _add_history(self, change: str, message_id: str) -> None:
        self.clock += 1
        self.history.append((self.clock, change, message_id))


@dataclass(frozen=True, slots=True)
class FakeMailAdapter(FakeMailSender):
    """`MailAdapter` over a `FakeMailbox`."""

    mailbox: FakeMailbox
    access: ProviderAccess

    @property
    def fetch_request_count(self) -> None:
        return None

    def get_profile(self) -> MailboxProfile:
        self._record_call("profile")
        box = self.mailbox
        return MailboxProfile(len(box.messages), str(box.clock))

    def get_label_names(self) -> Mapping[str, str]:
        self._record_call("labels")
        return dict(self.mailbox.names)

    def list_messages(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = 500,
    ) -> MessageListPage:
        self._record_call("list_page")
        messages = sorted(
            (
                stored
                for stored in self.mailbox.messages.values()
                if not stored.is_hidden
                and (since is None or stored.received_at >= since.replace(microsecond=0))
                and (until is None or stored.received_at < until.replace(microsecond=0))
                and query.encode().lower() in stored.content.lower()
            ),
            key=lambda stored: stored.received_at,
            reverse=True,
        )
        size = min(limit, self.mailbox.page_size)
        begin = int(page or 0)
        more = begin + size < len(messages)
        return MessageListPage(
            tuple(stored.ref for stored in messages[begin : begin + size]),
            str(begin + size) if more else None,
            len(messages),
        )

    def fetch_messages(
        self, targets: Sequence[FetchTarget]
    ) -> Sequence[RemoteThread | errors.ProviderError]:
        return [self._fetch_target(target) for target in targets]

    def _fetch_target(self, target: FetchTarget) -> RemoteThread | errors.ProviderError:
        try:
            if target.thread_id:
                return self._read_thread(target.thread_id)
            self._record_call("fetch")
            return RemoteThread((self._read_message(self._get_stored(target.message_id)),))
        except errors.ProviderError as error:
            return error

    def _read_thread(self, thread_id: str) -> RemoteThread:
        self._record_call("fetch_thread")
        stored = [
            item
            for item in self.mailbox.messages.values()
            if item.ref.thread_id == thread_id and not item.is_hidden
        ]
        if not stored:
            raise errors.Gone("no such thread", status=404)
        messages, rejected = [], {}
        for item in sorted(stored, key=lambda item: item.received_at):
            try:
                messages.append(self._read_message(item))
            except errors.Rejected as error:
                rejected[item.ref.message_id] = error.reason
        return RemoteThread(tuple(messages), rejected)

    def get_changes(self, cursor: str) -> MailChangePage:
        self._record_call("changes")
        box = self.mailbox
        if int(cursor) < box.remembered_from:
            raise errors.CursorExpired("forgotten", status=404)
        if box.slow_history:
            box.slow_history -= 1
            return MailChangePage((), (), (), cursor)
        records = [record for record in box.history if record[0] > int(cursor)]
        page, more = records[: box.page_size], len(records) > box.page_size
        upserted: dict[str, MessageRef] = {}
        refiled: dict[str, FilingChange] = {}
        deleted: dict[str, None] = {}
        for _, change, message_id in page:
            stored = box.messages.get(message_id)
            for state in (upserted, refiled, deleted):
                if state is not upserted or change == "deleted" or stored is None:
                    state.pop(message_id, None)
            if change == "deleted" or stored is None or stored.is_hidden:
                upserted.pop(message_id, None)
                deleted[message_id] = None
            elif change == "added":
                upserted[message_id] = stored.ref
            elif message_id not in upserted:
                filing = box.refiled.get(message_id, stored.filing)
                refiled[message_id] = FilingChange(stored.ref, filing)
        return MailChangePage(
            tuple(upserted.values()),
            tuple(refiled.values()),
            tuple(deleted),
            str(page[-1][0] if more else box.clock),
            more,
        )

    def open_attachment(self, message_id: str, part: str) -> FileDownload:
        self._record_call("attachment")
        if self.mailbox.attached is not None:
            return self.mailbox.attached()
        tree = rfc5322.parse_tree(self._get_stored(message_id).content)
        for step in part.split(".") if part else ():
            if int(step) >= len(tree.children):
                raise errors.Gone("no such part")
            tree = tree.children[int(step)]
        data = tree.data or b""
        return FileDownload(iter((data,)), size=len(data))

    def _record_call(self, name: str) -> None:
        self.mailbox.calls.append(name)
        if self.mailbox.meanwhile is not None:
            self.mailbox.meanwhile()
        if len(self.mailbox.calls) == self.mailbox.kills_at:
            raise KilledDuringFetch
        if name in self.mailbox.failing:
            raise self.mailbox.failing[name]
        if self.mailbox.failing_once.get(name):
            raise self.mailbox.failing_once[name].pop(0)
        if self.mailbox.refusals:
            raise self.mailbox.refusals.pop(0)

    def _get_stored(self, message_id: str) -> StoredMessage:
        stored = self.mailbox.messages.get(message_id)
        not_yet = self.mailbox.unreadable.get(message_id, 0)
        if not_yet:
            self.mailbox.unreadable[message_id] = not_yet - 1
        if stored is None or stored.is_hidden or not_yet:
            raise errors.Gone("no such message", status=404)
        return replace(stored)

    def _read_message(self, stored: StoredMessage) -> RemoteMessage:
        read = self._parse_content(stored.content)
        if isinstance(read, UnreadableItem):
            raise errors.Rejected("cannot be read", reason=read.reason)
        message = RemoteMessage(
            stored.ref.message_id,
            stored.ref.thread_id,
            stored.received_at,
            len(stored.content),
            read.mail.text[:100].strip(),
            stored.filing,
            read.mail,
            read.sanitised,
        )
        twist = self.mailbox.twisted.get(stored.ref.message_id)
        return message if twist is None else twist(message)

    def _parse_content(self, content: bytes) -> ParsedMail | UnreadableItem:
        if self.mailbox.is_isolated:
            return parse_requests.read_mime([content])[0]
        try:
            mail = rfc5322.parse_message(content)
        except UnreadableMailMessage as poison:
            return UnreadableItem(poison.reason)
        return ParsedMail(mail, safe_bodies.sanitise_text(mail.text, mail.html))


def make_open_mail(mailbox: FakeMailbox):
    """Return an `open_mail` for a `Provider` that always opens this mailbox."""

    @contextmanager
    def open_mail(access: ProviderAccess) -> Iterator[FakeMailAdapter]:
        yield FakeMailAdapter(mailbox, access)
        if "close" in mailbox.failing:
            raise mailbox.failing["close"]

    return open_mail
