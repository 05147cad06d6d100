"""The mailboxes of the demo, as messages for the sandbox's seed."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from config.embedded.demo_mail.attachments import AttachmentStore
from config.embedded.demo_mail.conversation_files import read_conversations
from config.embedded.demo_mail.message_writer import WrittenMessage, write_messages
from config.embedded.demo_mail.timeline import Timeline, to_milliseconds

#: Files with the conversations of Alice's account at Google.
GOOGLE_FILES: Final = (
    "contracts", "team", "support", "money", "travel", "home", "family", "news", "notices",
)  # fmt: skip
GOOGLE_LABELS: Final = ("Contracts", "Customers", "Projects", "Receipts", "Travel", "Family")
CONTOSO_LABELS: Final = ("Contracts", "Travel", "Projects")
_CATEGORIES: Final = {"updates": "CATEGORY_UPDATES", "promotions": "CATEGORY_PROMOTIONS"}


class DemoMail:
    """Writes each message once; several mailboxes may hold it."""

    def __init__(self, start: datetime) -> None:
        self.timeline = Timeline(start)
        self._store = AttachmentStore(self.timeline)

    def write_mail(self, *files: str) -> list[WrittenMessage]:
        """Return the messages of the conversations in these files, the oldest first."""
        return write_messages(read_conversations(*files), self.timeline, self._store)


def build_mailbox(
    written: Sequence[WrittenMessage], owner: str, labels: Sequence[str] = ()
) -> list[Mapping[str, Any]]:
    """
    Return the seed's messages of the mailbox of `owner`, a key of the cast.

    :param labels: names of the mailbox's own labels, which the sandbox numbers in this order
    """
    ids = {name: f"Label_{number}" for number, name in enumerate(labels, 1)}
    own = [message for message in written if message.message.involves(owner)]
    newest = {
        message.conversation.key: message for message in own if message.message.sender.key != owner
    }
    return [
        {
            "raw": base64.urlsafe_b64encode(message.raw).decode(),
            "date": to_milliseconds(message.at),
            "labels": _list_labels(
                message, owner, ids, is_newest=newest.get(message.conversation.key) is message
            ),
        }
        for message in own
    ]


def _list_labels(
    message: WrittenMessage, owner: str, ids: Mapping[str, str], *, is_newest: bool
) -> list[str]:
    conversation = message.conversation
    labels = [ids[name] for name in conversation.labels if name in ids]
    if message.message.sender.key == owner:
        return [*labels, "SENT"]
    states = conversation.states
    labels += ["INBOX", *(_CATEGORIES[state] for state in sorted(states & set(_CATEGORIES)))]
    if not states & set(_CATEGORIES):
        labels.append("CATEGORY_PERSONAL")
    if "important" in states:
        labels.append("IMPORTANT")
    if is_newest:
        labels += [label for label in ("UNREAD", "STARRED") if label.lower() in states]
    return labels
