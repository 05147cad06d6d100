"""
One mailbox as Exchange has it: each message in one folder, under two forms of id.

The store is `mail.mailbox`, whose labels say all: which folder, read or not, flagged, draft. What
has no label stands beside it, in `Beside`.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from integrations.sandbox.mail.entry import Change, Entry
from integrations.sandbox.mail.mailbox import Mailbox
from integrations.sandbox.mail.rendering import Gallery

# Well-known name → (label, display name). A message without any of the labels is archived.
WELL_KNOWN = {
    "inbox": ("INBOX", "Inbox"),
    "drafts": ("DRAFT", "Drafts"),
    "sentitems": ("SENT", "Sent Items"),
    "deleteditems": ("TRASH", "Deleted Items"),
    "archive": ("ARCHIVE", "Archive"),
    "junkemail": ("SPAM", "Junk Email"),
    "outbox": ("OUTBOX", "Outbox"),
    "conversationhistory": ("CONVERSATIONS", "Conversation History"),
}
HIDDEN = frozenset({"conversationhistory"})
# Whoever stands first wins, where a message has several: custom folders come after SPAM.
FIRST = ("TRASH", "SPAM", "OUTBOX", "ARCHIVE", "CONVERSATIONS")
LAST = ("INBOX", "DRAFT", "SENT")
IMMUTABLE, MUTABLE = "AAkALg", "AAMkAD"
ID_BYTES, MOVE_BYTES = 12, 4


@dataclass
class Folder:
    """`label` is what its messages carry; `parent` the id of the folder it lies in."""

    id: str
    label: str
    name: str
    well_known: str = ""
    parent: str = ""
    is_hidden: bool = False


@dataclass(frozen=True)
class FolderRound:
    """
    Where a link of the folders' delta leads on from.

    :param marks: what each folder was when it was told, by id
    :param history_id: of the mailbox when the link was handed out
    :param chain: of all rounds that follow one first round
    :param generation: which link of its chain it is
    """

    select: str
    marks: dict[str, str]
    history_id: int
    chain: int
    generation: int


@dataclass
class Beside:
    """What no label says of a message. None: as the message itself has it."""

    categories: list[str] | None = None
    flag: str = ""
    importance: str = ""
    # Extended properties: their ids in lower case → values.
    tags: dict[str, str] = field(default_factory=dict)
    # What a draft was written as, and its attachments; sent at this moment if it is on its way.
    draft: dict[str, Any] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    leaves_at: float = 0.0
    # The properties that a client changed, by the history id of the change.
    changed: dict[int, frozenset[str]] = field(default_factory=dict)
    modified_at: float = 0.0


@dataclass
class Upload:
    """An attachment on its way to a draft. `until` in seconds of the sandbox's clock."""

    outlook: "Outlook"
    entry_id: int
    item: dict[str, Any]
    size: int
    until: float
    content: bytearray = field(default_factory=bytearray)


def shown(*parts: bytes) -> str:
    return base64.urlsafe_b64encode(b"".join(parts)).decode()


class Outlook:
    def __init__(self, box: Mailbox, oid: str) -> None:
        self.box, self.oid = box, oid
        self.gallery = Gallery(box)
        self._mark = hashlib.sha256(oid.encode()).digest()[:24]
        self.root = self._folder_id("msgfolderroot")
        self.folders: dict[str, Folder] = {}
        self.beside: dict[int, Beside] = {}
        # The last link's number, by the chain that it belongs to.
        self.generations: dict[int, int] = {}
        self._chains = count(1)
        # Those of the folders' delta, by token.
        self.folder_rounds: dict[str, FolderRound] = {}
        # How often each message was moved: its mutable id is another one each time.
        self.moves: Counter[int] = Counter()
        for name, (label, display) in WELL_KNOWN.items():
            made = Folder(self._folder_id(name), label, display, name, self.root, name in HIDDEN)
            self.folders[made.id] = made
        # Told of each change, beside whoever was told before.
        self.on_change: Callable[[Change], None] = lambda _: None
        self._told = box.on_change
        box.on_change = self._changed

    def _folder_id(self, name: str) -> str:
        return "AQMkAD" + shown(self._mark, hashlib.sha256(name.encode()).digest()[:12])

    def _changed(self) -> None:
        last = self.box.history[-1]
        if self.label_of(self.before(last)) != self.label_of(last.labels):
            self.moves[last.message_id] += 1
        self.gallery.forget(last.message_id)
        self._told()
        self.on_change(last)

    @staticmethod
    def before(change: Change) -> frozenset[str]:
        """The labels before it."""
        if change.kind == "labelsAdded":
            return change.labels - change.changed
        return change.labels | change.changed

    # Folders.

    @property
    def custom(self) -> dict[str, Folder]:
        labels = {label for label, _ in WELL_KNOWN.values()}
        return {one.label: one for one in self.folders.values() if one.label not in labels}

    def label_of(self, labels: frozenset[str]) -> str:
        for one in (*FIRST, *self.custom, *LAST):
            if one in labels:
                return one
        return "ARCHIVE"

    def folder_of(self, entry: Entry) -> Folder:
        label = self.label_of(entry.labels)
        return next(one for one in self.folders.values() if one.label == label)

    def folder(self, id_or_name: str) -> Folder | None:
        found = self.folders.get(id_or_name)
        name = id_or_name.lower()
        return found or next((f for f in self.folders.values() if f.well_known == name), None)

    def make_folder(self, name: str, parent: str) -> Folder:
        made = self.box.create_label(name)
        folder = Folder(self._folder_id(made.id), made.id, name, parent=parent or self.root)
        self.folders[folder.id] = folder
        return folder

    def above(self, folder: Folder) -> list[Folder]:
        """The folder, and those that it lies in."""
        found = [folder]
        while (outer := self.folders.get(found[-1].parent)) is not None:
            found.append(outer)
        return found

    def delete_folder(self, folder: Folder) -> None:
        """For good, with all that is in it."""
        for inner in [one for one in self.folders.values() if one.parent == folder.id]:
            self.delete_folder(inner)
        for entry in self.inside(folder):
            self.delete(entry)
        del self.folders[folder.id]
        del self.box.labels[folder.label]

    # Deltas: Exchange remembers the last few links of each.

    def begin_chain(self) -> int:
        chain = next(self._chains)
        self.generations[chain] = 0
        return chain

    def next_generation(self, chain: int) -> int:
        self.generations[chain] += 1
        return self.generations[chain]

    def remembers(self, chain: int, generation: int, kept: int) -> bool:
        highest = self.generations.get(chain)
        return highest is not None and (not kept or generation > highest - kept)

    def inside(self, folder: Folder) -> list[Entry]:
        """Newest first."""
        label = folder.label
        return [one for one in self.box.newest_first() if self.label_of(one.labels) == label]

    def move(self, entry: Entry, folder: Folder) -> None:
        """A draft stays one wherever it is."""
        old = {*FIRST, *LAST, *self.custom} - {"DRAFT", folder.label}
        self.box.relabel(entry, add=[folder.label], remove=old)

    def delete(self, entry: Entry) -> None:
        self.beside.pop(entry.id, None)
        self.box.delete(entry)

    # Ids.

    def id_of(self, entry_id: int, *, immutable: bool) -> str:
        number = entry_id.to_bytes(ID_BYTES, "big")
        if immutable:
            return IMMUTABLE + shown(self._mark, number)
        return MUTABLE + shown(self._mark, number, self.moves[entry_id].to_bytes(MOVE_BYTES, "big"))

    def number(self, item_id: str) -> int | None:
        """The entry an id is of, gone or not; None for what was never one of this mailbox's."""
        try:
            inside = base64.urlsafe_b64decode(item_id[len(IMMUTABLE) :].encode())
        except (ValueError, UnicodeEncodeError):
            return None
        mark, rest = inside[: len(self._mark)], inside[len(self._mark) :]
        number = int.from_bytes(rest[:ID_BYTES], "big")
        if mark != self._mark or len(rest) < ID_BYTES:
            return None
        if item_id.startswith(IMMUTABLE):
            return number
        is_now = int.from_bytes(rest[ID_BYTES:], "big") == self.moves[number]
        return number if item_id.startswith(MUTABLE) and is_now else -1

    def entry(self, item_id: str) -> Entry | None:
        return self.box.entries.get(self.number(item_id) or -1)

    def about(self, entry: Entry) -> Beside:
        return self.beside.setdefault(entry.id, Beside())

    def categories(self, entry: Entry) -> list[str]:
        beside = self.beside.get(entry.id)
        if beside and beside.categories is not None:
            return beside.categories
        names = {one.id: one.name for one in self.box.labels.values() if not one.system}
        mine = entry.labels & names.keys() - self.custom.keys()
        return sorted(names[one] for one in mine)
