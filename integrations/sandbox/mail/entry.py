"""Small records, so that 100,000 messages fit in memory."""

from dataclasses import dataclass

NO_LABELS: frozenset[str] = frozenset()


class MailboxEntry:
    """`raw` is None for generated mail; `origin` (thread, position) reproduces it."""

    __slots__ = ("date", "history_id", "id", "labels", "origin", "raw", "thread_id")

    def __init__(  # noqa: PLR0913 - one message's facts
        self,
        *,
        id: int,  # noqa: A002 - Gmail's word
        thread_id: int,
        date: int,
        labels: frozenset[str],
        history_id: int,
        raw: bytes | None = None,
        origin: tuple[int, int] | None = None,
    ) -> None:
        self.id, self.thread_id, self.date = id, thread_id, date
        self.labels, self.history_id, self.raw, self.origin = labels, history_id, raw, origin


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """`kind` is Gmail's: messagesAdded, messagesDeleted, labelsAdded, …"""

    id: int
    at: float
    kind: str
    message_id: int
    thread_id: int
    labels: frozenset[str]
    changed_labels: frozenset[str] = NO_LABELS


@dataclass
class MailLabel:
    id: str
    name: str
    system: bool
    message_visibility: str = ""
    list_visibility: str = ""
    color: dict[str, str] | None = None

    def as_dict(self) -> dict[str, object]:
        fields: dict[str, object] = {
            "id": self.id,
            "name": self.name,
            "type": "system" if self.system else "user",
        }
        if self.message_visibility:
            fields["messageListVisibility"] = self.message_visibility
        if self.list_visibility:
            fields["labelListVisibility"] = self.list_visibility
        if self.color:
            fields["color"] = self.color
        return fields


SYSTEM_LABELS = (
    "CHAT", "SENT", "INBOX", "IMPORTANT", "TRASH", "DRAFT", "SPAM", "CATEGORY_FORUMS",
    "CATEGORY_UPDATES", "CATEGORY_PERSONAL", "CATEGORY_PROMOTIONS", "CATEGORY_SOCIAL", "STARRED",
    "UNREAD",
)  # fmt: skip
HIDDEN = ("CHAT", "CATEGORY_", "UNREAD")


def make_system_labels() -> dict[str, MailLabel]:
    labels = {}
    for name in SYSTEM_LABELS:
        hidden = name.startswith(HIDDEN)
        labels[name] = MailLabel(
            name,
            name,
            system=True,
            message_visibility="hide" if hidden else "",
            list_visibility="labelHide" if hidden else "",
        )
    return labels


def format_id(value: int) -> str:
    return f"{value:016x}"
