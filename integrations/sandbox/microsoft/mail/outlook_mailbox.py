"""
A mailbox in Exchange's form: each message in one folder, under two forms of id.

Labels of `mail.mailbox` give folder and state; `MessageExtras` holds the rest.
"""

import base64
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from integrations.sandbox.mail.entry import HistoryRecord, MailboxEntry
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.mail.rendering import RenderingCache

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
# The first wins if a message has several; custom folders come after SPAM.
FIRST_LABELS = ("TRASH", "SPAM", "OUTBOX", "ARCHIVE", "CONVERSATIONS")
LAST_LABELS = ("INBOX", "DRAFT", "SENT")
IMMUTABLE, MUTABLE = "AAkALg", "AAMkAD"
ID_BYTES, MOVE_BYTES = 12, 4


@dataclass
class OutlookFolder:
    """`parent` is a folder id."""

    id: str
    label: str
    name: str
    well_known: str = ""
    parent: str = ""
    is_hidden: bool = False


@dataclass(frozen=True)
class FolderRound:
    """
    The state behind a link of the folders' delta.

    :param marks: by folder id
    :param chain: of all rounds after one first round
    :param generation: number of the link in its chain
    """

    select: str
    marks: dict[str, str]
    history_id: int
    chain: int
    generation: int


@dataclass
class MessageExtras:
    """None: as in the message itself."""

    categories: list[str] | None = None
    flag: str = ""
    importance: str = ""
    # Extended properties: lower-case id → value.
    tags: dict[str, str] = field(default_factory=dict)
    # A draft as received; `leaves_at` while it is being sent.
    draft: dict[str, Any] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    leaves_at: float = 0.0
    # By the history id of the change.
    changed: dict[int, frozenset[str]] = field(default_factory=dict)
    modified_at: float = 0.0


@dataclass
class AttachmentUpload:
    """`expires_at` in seconds of the sandbox's clock."""

    outlook: "OutlookMailbox"
    entry_id: int
    item: dict[str, Any]
    size: int
    expires_at: float
    content: bytearray = field(default_factory=bytearray)


def encode_id(*parts: bytes) -> str:
    return base64.urlsafe_b64encode(b"".join(parts)).decode()


class OutlookMailbox:
    def __init__(self, mailbox: SandboxMailbox, oid: str) -> None:
        self.store, self.oid = mailbox, oid
        self.rendering_cache = RenderingCache(mailbox)
        self._mark = hashlib.sha256(oid.encode()).digest()[:24]
        self.root = self._make_folder_id("msgfolderroot")
        self.folders: dict[str, OutlookFolder] = {}
        self.extras: dict[int, MessageExtras] = {}
        # By chain.
        self.generations: dict[int, int] = {}
        self._chains = count(1)
        # By token.
        self.folder_rounds: dict[str, FolderRound] = {}
        # Every move changes the mutable id.
        self.moves: Counter[int] = Counter()
        for name, (label, display) in WELL_KNOWN.items():
            folder = OutlookFolder(
                self._make_folder_id(name), label, display, name, self.root, name in HIDDEN
            )
            self.folders[folder.id] = folder
        # The store's previous callback comes first.
        self.on_change: Callable[[HistoryRecord], None] = lambda _: None
        self._notify_before = mailbox.on_change
        mailbox.on_change = self._handle_change

    def _make_folder_id(self, name: str) -> str:
        return "AQMkAD" + encode_id(self._mark, hashlib.sha256(name.encode()).digest()[:12])

    def _handle_change(self) -> None:
        last = self.store.history[-1]
        if self.get_folder_label(self.get_labels_before(last)) != self.get_folder_label(
            last.labels
        ):
            self.moves[last.message_id] += 1
        self.rendering_cache.drop_rendering(last.message_id)
        self._notify_before()
        self.on_change(last)

    @staticmethod
    def get_labels_before(change: HistoryRecord) -> frozenset[str]:
        if change.kind == "labelsAdded":
            return change.labels - change.changed_labels
        return change.labels | change.changed_labels

    # Folders.

    @property
    def custom_folders(self) -> dict[str, OutlookFolder]:
        labels = {label for label, _ in WELL_KNOWN.values()}
        return {
            folder.label: folder for folder in self.folders.values() if folder.label not in labels
        }

    def get_folder_label(self, labels: frozenset[str]) -> str:
        for label in (*FIRST_LABELS, *self.custom_folders, *LAST_LABELS):
            if label in labels:
                return label
        return "ARCHIVE"

    def get_folder(self, entry: MailboxEntry) -> OutlookFolder:
        label = self.get_folder_label(entry.labels)
        return next(folder for folder in self.folders.values() if folder.label == label)

    def find_folder(self, id_or_name: str) -> OutlookFolder | None:
        folder = self.folders.get(id_or_name)
        name = id_or_name.lower()
        return folder or next((f for f in self.folders.values() if f.well_known == name), None)

    def create_folder(self, name: str, parent: str) -> OutlookFolder:
        label = self.store.create_label(name)
        folder = OutlookFolder(
            self._make_folder_id(label.id), label.id, name, parent=parent or self.root
        )
        self.folders[folder.id] = folder
        return folder

    def list_ancestors(self, folder: OutlookFolder) -> list[OutlookFolder]:
        """The folder itself comes first."""
        folders = [folder]
        while (outer := self.folders.get(folders[-1].parent)) is not None:
            folders.append(outer)
        return folders

    def delete_folder(self, folder: OutlookFolder) -> None:
        for inner in [child for child in self.folders.values() if child.parent == folder.id]:
            self.delete_folder(inner)
        for entry in self.list_messages(folder):
            self.delete_message(entry)
        del self.folders[folder.id]
        del self.store.labels[folder.label]

    # Exchange remembers the last links of each delta.

    def begin_chain(self) -> int:
        chain = next(self._chains)
        self.generations[chain] = 0
        return chain

    def next_generation(self, chain: int) -> int:
        self.generations[chain] += 1
        return self.generations[chain]

    def remembers_link(self, chain: int, generation: int, links_kept: int) -> bool:
        highest = self.generations.get(chain)
        return highest is not None and (not links_kept or generation > highest - links_kept)

    def list_messages(self, folder: OutlookFolder) -> list[MailboxEntry]:
        """Return the messages, the newest first."""
        label = folder.label
        return [
            entry
            for entry in self.store.iterate_newest_first()
            if self.get_folder_label(entry.labels) == label
        ]

    def move_message(self, entry: MailboxEntry, folder: OutlookFolder) -> None:
        """A draft stays a draft."""
        other_labels = {*FIRST_LABELS, *LAST_LABELS, *self.custom_folders} - {"DRAFT", folder.label}
        self.store.relabel(entry, add=[folder.label], remove=other_labels)

    def delete_message(self, entry: MailboxEntry) -> None:
        self.extras.pop(entry.id, None)
        self.store.delete_message(entry)

    # Ids.

    def make_id(self, entry_id: int, *, immutable: bool) -> str:
        number = entry_id.to_bytes(ID_BYTES, "big")
        if immutable:
            return IMMUTABLE + encode_id(self._mark, number)
        return MUTABLE + encode_id(
            self._mark, number, self.moves[entry_id].to_bytes(MOVE_BYTES, "big")
        )

    def parse_id(self, item_id: str) -> int | None:
        """Also of a deleted entry; None for another mailbox."""
        try:
            decoded_id = base64.urlsafe_b64decode(item_id[len(IMMUTABLE) :].encode())
        except (ValueError, UnicodeEncodeError):
            return None
        mark, number_bytes = decoded_id[: len(self._mark)], decoded_id[len(self._mark) :]
        number = int.from_bytes(number_bytes[:ID_BYTES], "big")
        if mark != self._mark or len(number_bytes) < ID_BYTES:
            return None
        if item_id.startswith(IMMUTABLE):
            return number
        is_now = int.from_bytes(number_bytes[ID_BYTES:], "big") == self.moves[number]
        return number if item_id.startswith(MUTABLE) and is_now else -1

    def find_entry(self, item_id: str) -> MailboxEntry | None:
        return self.store.entries.get(self.parse_id(item_id) or -1)

    def get_extras(self, entry: MailboxEntry) -> MessageExtras:
        return self.extras.setdefault(entry.id, MessageExtras())

    def get_categories(self, entry: MailboxEntry) -> list[str]:
        extras = self.extras.get(entry.id)
        if extras and extras.categories is not None:
            return extras.categories
        names = {label.id: label.name for label in self.store.labels.values() if not label.system}
        own_labels = entry.labels & names.keys() - self.custom_folders.keys()
        return sorted(names[label_id] for label_id in own_labels)
