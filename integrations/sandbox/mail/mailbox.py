"""One mailbox: messages, threads, labels, history. Knows nothing of HTTP or of JSON."""

import random  # noqa: TID251 - the sandbox repeats its runs from a seed
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator

from integrations.sandbox.clock import Clock
from integrations.sandbox.mail import threading
from integrations.sandbox.mail.entry import EMPTY, Change, Entry, Label, system_labels
from integrations.sandbox.mail.generator import Generator

FIRST_HISTORY_ID = 1_000_000
LONGEST_GAP = 12


class Mailbox:
    """`order` holds (date in ms, id), oldest first. Dates are Gmail's `internalDate`."""

    def __init__(self, email: str, clock: Clock, *, seed: int = 0) -> None:
        self.email = email
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - ids and gaps, not secrets
        self.entries: dict[int, Entry] = {}
        self.order: list[tuple[int, int]] = []
        self.threads: dict[int, list[int]] = {}
        self.labels: dict[str, Label] = system_labels()
        self.drafts: dict[str, int] = {}
        self.history: list[Change] = []
        self.history_floor = 0
        self.history_id = FIRST_HISTORY_ID + self._random.randrange(1_000_000)
        self.generator: Generator | None = None
        self._threads_by_rfc_id: dict[str, int] = {}
        self._generated_threads: dict[int, int] = {}
        self.watch: dict[str, object] | None = None
        # Told of each change after the filling.
        self.on_change: Callable[[], None] = lambda: None

    # Filling.

    def fill(self, generator: Generator) -> None:
        """Add the generator's messages, without history: they were always there."""
        self.generator = generator
        for name in generator.label_names():
            self.create_label(name)
        for planned in generator.plan(self.label_ids_by_name()):
            known = self._generated_threads.get(planned.thread)
            entry = Entry(
                id=(new_id := self._new_id(planned.date)),
                thread_id=new_id if known is None else known,
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

    def add(
        self,
        raw: bytes,
        labels: Iterable[str],
        *,
        date: int | None = None,
        thread_id: int | None = None,
    ) -> Entry:
        """A new message, threaded by its references unless a thread is named."""
        date = self._clock.millis() if date is None else date
        entry_id = self._new_id(date)
        if thread_id is None:
            thread_id = self._thread_of(raw)
        entry = Entry(
            id=entry_id,
            thread_id=entry_id if thread_id is None else thread_id,
            date=date,
            labels=frozenset(labels),
            history_id=0,
            raw=raw,
        )
        self.entries[entry.id] = entry
        insort(self.order, (entry.date, entry.id))
        insort(self.threads.setdefault(entry.thread_id, []), entry.id, key=self._date_of)
        if rfc_id := threading.message_id(raw):
            self._threads_by_rfc_id[rfc_id] = entry.thread_id
        self._note("messagesAdded", entry)
        return entry

    def _date_of(self, message_id: int) -> tuple[int, int]:
        return self.entries[message_id].date, message_id

    def _new_id(self, date: int) -> int:
        while True:
            new = (date << 20) | self._random.getrandbits(20)
            if new not in self.entries:
                return new

    def _thread_of(self, raw: bytes) -> int | None:
        for rfc_id in threading.references(raw):
            found = self._threads_by_rfc_id.get(rfc_id)
            if found is None and (number := threading.generated_thread(rfc_id)) is not None:
                found = self._generated_threads.get(number)
            if found is not None and found in self.threads:
                return found
        return None

    # Reading.

    def raw(self, entry: Entry) -> bytes:
        if entry.raw is not None:
            return entry.raw
        if self.generator is None or entry.origin is None:
            raise LookupError(entry.id)
        return self.generator.render(*entry.origin, date=entry.date)

    def newest_first(self, before: tuple[int, int] | None = None) -> Iterator[Entry]:
        """Messages in order, from the one after this (date, id) key."""
        end = len(self.order) if before is None else bisect_left(self.order, before)
        for index in range(end - 1, -1, -1):
            yield self.entries[self.order[index][1]]

    def thread(self, thread_id: int) -> list[Entry]:
        """Oldest first; empty if there is no such thread."""
        return [self.entries[message_id] for message_id in self.threads.get(thread_id, ())]

    def changes_since(self, start: int) -> list[Change] | None:
        """None: too old, or never handed out."""
        if start < self.history_floor or start > self.history_id:
            return None
        return self.history[bisect_left(self.history, start + 1, key=lambda change: change.id) :]

    def label_ids_by_name(self) -> dict[str, str]:
        return {label.name: label.id for label in self.labels.values()}

    # Changing.

    def _note(self, kind: str, entry: Entry, changed: frozenset[str] = EMPTY) -> None:
        self.history_id += self._random.randint(1, LONGEST_GAP)
        entry.history_id = self.history_id
        self.history.append(
            Change(
                id=self.history_id,
                at=self._clock.now(),
                kind=kind,
                message_id=entry.id,
                thread_id=entry.thread_id,
                labels=entry.labels,
                changed=changed,
            )
        )
        self.on_change()

    def relabel(self, entry: Entry, *, add: Iterable[str] = (), remove: Iterable[str] = ()) -> bool:
        """Only what really changes is noted; whether anything did."""
        added = frozenset(add) - entry.labels
        removed = (frozenset(remove) & entry.labels) - frozenset(add)
        if added:
            entry.labels |= added
            self._note("labelsAdded", entry, added)
        if removed:
            entry.labels -= removed
            self._note("labelsRemoved", entry, removed)
        return bool(added or removed)

    def touch(self, entry: Entry, raw: bytes | None = None) -> None:
        """It changed in what no label says; with `raw`, in all that it is."""
        if raw is not None:
            entry.raw = raw
        self._note("messagesChanged", entry)

    def trash(self, entry: Entry) -> None:
        self.relabel(entry, add=["TRASH"], remove=["INBOX", "SPAM"])

    def delete(self, entry: Entry) -> None:
        """For good."""
        self._note("messagesDeleted", entry)
        del self.entries[entry.id]
        del self.order[bisect_left(self.order, (entry.date, entry.id))]
        siblings = self.threads[entry.thread_id]
        siblings.remove(entry.id)
        if not siblings:
            del self.threads[entry.thread_id]
        for draft_id in [d for d, message_id in self.drafts.items() if message_id == entry.id]:
            del self.drafts[draft_id]

    def create_label(self, name: str) -> Label:
        number = 1 + sum(not label.system for label in self.labels.values())
        while f"Label_{number}" in self.labels:
            number += 1
        label = Label(f"Label_{number}", name, system=False)
        self.labels[label.id] = label
        return label

    def delete_label(self, label: Label) -> None:
        del self.labels[label.id]
        for entry in self.entries.values():
            if label.id in entry.labels:
                self.relabel(entry, remove=[label.id])

    def new_draft_id(self) -> str:
        return f"r{self._random.getrandbits(62)}"

    def expire_history(self) -> None:
        """Every id handed out until now is too old from here on."""
        self.history_id += self._random.randint(1, LONGEST_GAP)
        self.history_floor = self.history_id
        self.history.clear()

    def forget_history_before(self, moment: float) -> None:
        """Records age away; whoever stands before the last of them must start again."""
        keep = bisect_left(self.history, moment, key=lambda change: change.at)
        if keep:
            self.history_floor = self.history[keep - 1].id
            del self.history[:keep]
