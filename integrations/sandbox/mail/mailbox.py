"""Messages, threads, labels and history, without HTTP and JSON."""

import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator

from integrations.sandbox.clock import SandboxClock
from integrations.sandbox.mail import message_references
from integrations.sandbox.mail.entry import (
    NO_LABELS,
    HistoryRecord,
    MailboxEntry,
    MailLabel,
    make_system_labels,
)
from integrations.sandbox.mail.generator import MailGenerator

FIRST_HISTORY_ID = 1_000_000
MAX_HISTORY_GAP = 12


class SandboxMailbox:
    """`order` holds (date in ms, id), oldest first. Dates are `internalDate`."""

    def __init__(self, email: str, clock: SandboxClock, *, seed: int = 0) -> None:
        self.email = email
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - ids and gaps, not secrets
        self.entries: dict[int, MailboxEntry] = {}
        self.order: list[tuple[int, int]] = []
        self.threads: dict[int, list[int]] = {}
        self.labels: dict[str, MailLabel] = make_system_labels()
        self.drafts: dict[str, int] = {}
        self.history: list[HistoryRecord] = []
        self.history_floor = 0
        self.history_id = FIRST_HISTORY_ID + self._random.randrange(1_000_000)
        self.generator: MailGenerator | None = None
        self._threads_by_rfc_id: dict[str, int] = {}
        self._generated_threads: dict[int, int] = {}
        self.watch: dict[str, object] | None = None
        # Called after each change, except by `add_generated`.
        self.on_change: Callable[[], None] = lambda: None

    # Adding.

    def add_generated(self, generator: MailGenerator) -> None:
        """Without history records, as old mail."""
        self.generator = generator
        for name in generator.list_label_names():
            self.create_label(name)
        for planned in generator.plan_messages(self.get_label_ids()):
            known_thread_id = self._generated_threads.get(planned.thread)
            entry = MailboxEntry(
                id=(new_id := self._make_id(planned.date)),
                thread_id=new_id if known_thread_id is None else known_thread_id,
                date=planned.date,
                labels=planned.labels,
                history_id=self.history_id,
                origin=(planned.thread, planned.position),
            )
            self._generated_threads.setdefault(planned.thread, entry.thread_id)
            self.entries[entry.id] = entry
            self.order.append((entry.date, entry.id))
            self.threads.setdefault(entry.thread_id, []).append(entry.id)
        self.order.sort()

    def add_message(
        self,
        raw: bytes,
        labels: Iterable[str],
        *,
        date: int | None = None,
        thread_id: int | None = None,
        entry_id: int | None = None,
    ) -> MailboxEntry:
        """
        Without a thread id, references decide.

        :param entry_id: from `reserve_id`
        """
        date = self._clock.now_ms() if date is None else date
        if entry_id is None:
            entry_id = self._make_id(date)
        if thread_id is None:
            thread_id = self._find_thread_id(raw)
        entry = MailboxEntry(
            id=entry_id,
            thread_id=entry_id if thread_id is None else thread_id,
            date=date,
            labels=frozenset(labels),
            history_id=0,
            raw=raw,
        )
        self.entries[entry.id] = entry
        insort(self.order, (entry.date, entry.id))
        insort(self.threads.setdefault(entry.thread_id, []), entry.id, key=self._get_sort_key)
        if rfc_id := message_references.read_message_id(raw):
            self._threads_by_rfc_id[rfc_id] = entry.thread_id
        self._record_change("messagesAdded", entry)
        return entry

    def _get_sort_key(self, message_id: int) -> tuple[int, int]:
        return self.entries[message_id].date, message_id

    def reserve_id(self) -> int:
        """For a message that is added later."""
        return self._make_id(self._clock.now_ms())

    def _make_id(self, date: int) -> int:
        while True:
            new_id = (date << 20) | self._random.getrandbits(20)
            if new_id not in self.entries:
                return new_id

    def _find_thread_id(self, raw: bytes) -> int | None:
        for rfc_id in message_references.read_references(raw):
            thread_id = self._threads_by_rfc_id.get(rfc_id)
            if (
                thread_id is None
                and (number := message_references.parse_generated_thread(rfc_id)) is not None
            ):
                thread_id = self._generated_threads.get(number)
            if thread_id is not None and thread_id in self.threads:
                return thread_id
        return None

    # Reading.

    def get_raw(self, entry: MailboxEntry) -> bytes:
        if entry.raw is not None:
            return entry.raw
        if self.generator is None or entry.origin is None:
            raise LookupError(entry.id)
        return self.generator.render_message(*entry.origin, date=entry.date)

    def iterate_newest_first(self, before: tuple[int, int] | None = None) -> Iterator[MailboxEntry]:
        """Older than the (date, id) key."""
        end = len(self.order) if before is None else bisect_left(self.order, before)
        for index in range(end - 1, -1, -1):
            yield self.entries[self.order[index][1]]

    def get_thread(self, thread_id: int) -> list[MailboxEntry]:
        """Oldest first; may be empty."""
        return [self.entries[message_id] for message_id in self.threads.get(thread_id, ())]

    def get_changes_since(self, start: int) -> list[HistoryRecord] | None:
        """None for an expired or unknown id."""
        if start < self.history_floor or start > self.history_id:
            return None
        return self.history[bisect_left(self.history, start + 1, key=lambda change: change.id) :]

    def get_label_ids(self) -> dict[str, str]:
        return {label.name: label.id for label in self.labels.values()}

    # Changing.

    def _record_change(
        self, kind: str, entry: MailboxEntry, changed: frozenset[str] = NO_LABELS
    ) -> None:
        self.history_id += self._random.randint(1, MAX_HISTORY_GAP)
        entry.history_id = self.history_id
        self.history.append(
            HistoryRecord(
                id=self.history_id,
                at=self._clock.now(),
                kind=kind,
                message_id=entry.id,
                thread_id=entry.thread_id,
                labels=entry.labels,
                changed_labels=changed,
            )
        )
        self.on_change()

    def relabel(
        self, entry: MailboxEntry, *, add: Iterable[str] = (), remove: Iterable[str] = ()
    ) -> bool:
        """Record only real changes."""
        added = frozenset(add) - entry.labels
        removed = (frozenset(remove) & entry.labels) - frozenset(add)
        if added:
            entry.labels |= added
            self._record_change("labelsAdded", entry, added)
        if removed:
            entry.labels -= removed
            self._record_change("labelsRemoved", entry, removed)
        return bool(added or removed)

    def mark_changed(self, entry: MailboxEntry, raw: bytes | None = None) -> None:
        """Record a change without a label; `raw` replaces the content."""
        if raw is not None:
            entry.raw = raw
        self._record_change("messagesChanged", entry)

    def trash_message(self, entry: MailboxEntry) -> None:
        self.relabel(entry, add=["TRASH"], remove=["INBOX", "SPAM"])

    def delete_message(self, entry: MailboxEntry) -> None:
        """Permanently."""
        self._record_change("messagesDeleted", entry)
        del self.entries[entry.id]
        del self.order[bisect_left(self.order, (entry.date, entry.id))]
        siblings = self.threads[entry.thread_id]
        siblings.remove(entry.id)
        if not siblings:
            del self.threads[entry.thread_id]
        for draft_id in [d for d, message_id in self.drafts.items() if message_id == entry.id]:
            del self.drafts[draft_id]

    def create_label(self, name: str) -> MailLabel:
        number = 1 + sum(not label.system for label in self.labels.values())
        while f"Label_{number}" in self.labels:
            number += 1
        label = MailLabel(f"Label_{number}", name, system=False)
        self.labels[label.id] = label
        return label

    def delete_label(self, label: MailLabel) -> None:
        del self.labels[label.id]
        for entry in self.entries.values():
            if label.id in entry.labels:
                self.relabel(entry, remove=[label.id])

    def make_draft_id(self) -> str:
        return f"r{self._random.getrandbits(62)}"

    def expire_history(self) -> None:
        self.history_id += self._random.randint(1, MAX_HISTORY_GAP)
        self.history_floor = self.history_id
        self.history.clear()

    def drop_history_before(self, moment: float) -> None:
        """Clients behind the dropped records need a full sync."""
        keep = bisect_left(self.history, moment, key=lambda change: change.at)
        if keep:
            self.history_floor = self.history[keep - 1].id
            del self.history[:keep]
