"""Graph's message and its MIME, in our words."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from integrations.formats import label_ids
from integrations.formats.mime.graph_message import extended_properties
from integrations.formats.mime.headers import printable
from integrations.formats.mime.message import bounded_size
from integrations.parsers import parse_requests as parsers
from integrations.parsers.mail_tasks import ReadMail
from integrations.parsers.wire_frames import Unreadable
from integrations.providers import errors, unexpected_responses
from integrations.providers.mail import Labels, MessageRef, RemoteMessage, provider_id

from .folders import Folders

# All that says where a message is filed, and the least that names it.
FILING: Final = "id,conversationId,parentFolderId,isRead,isDraft,flag,categories,importance"
HEAD: Final = FILING + ",receivedDateTime,bodyPreview"
# Of Graph's message, all that is read by properties; the README says what becomes of each.
CONTENT: Final = (
    HEAD
    + ",createdDateTime,lastModifiedDateTime,sentDateTime,internetMessageId,subject,from"
    + ",toRecipients,ccRecipients,bccRecipients,replyTo,conversationIndex,hasAttachments,body"
    + ",internetMessageHeaders"
)
# Beside: what a message refers to, because sent messages have no internet headers; and its size.
EXTENDED: Final = (
    "singleValueExtendedProperties("
    "$filter=id eq 'String 0x1039' or id eq 'String 0x1042' or id eq 'Integer 0x0E08')"
)
#: PR_MESSAGE_SIZE.
_SIZE: Final = 0x0E08
# As Graph does it by itself, said so that it stays: HTML, which Graph makes safe and we once more.
BODY_TYPE: Final = ('outlook.body-content-type="html"',)
MAX_SNIPPET: Final = 300
_NEEDED: Final = frozenset(HEAD.split(","))


def is_whole(item: Mapping[str, Any]) -> bool:
    """Return whether it says all that is read of a head; changes may say less."""
    return item.keys() >= _NEEDED


def listed(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a list; an entry without an id is none, and nothing can name it."""
    entries = answer.get("value")
    return [
        entry
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


def is_in(item: Mapping[str, Any], folders: Folders) -> bool:
    """Return whether a message is in one of these folders."""
    folder_id = item.get("parentFolderId")
    return isinstance(folder_id, str) and folder_id in folders


def ref(item: Mapping[str, Any]) -> MessageRef:
    return MessageRef(str(item["id"]), str(item.get("conversationId") or item["id"]))


def category(name: str) -> str:
    """Return the id of a label that is a category: a message has its name, and no id of it."""
    return label_ids.make_id(printable(name))


def filing(item: Mapping[str, Any], folders: Folders) -> Labels:
    """
    Return where a message is filed. A folder of the person's own is a label, and archived.

    Whether Outlook shows it as focused or other is not said: it says so of the inbox alone, and
    no word of ours means it.
    """
    place = str(item.get("parentFolderId") or "")
    words = [folders.words.get(place) or ("drafts" if item.get("isDraft") else "archive")]
    if str(item.get("importance") or "").lower() == "high":
        words.append("important")
    labels = [place] if place in folders.names else []
    labels += [category(str(name)) for name in item.get("categories") or ()]
    flag = (item.get("flag") or {}).get("flagStatus")
    return Labels(
        folders=tuple(words),
        labels=tuple(dict.fromkeys(labels)),
        is_unread=not item.get("isRead"),
        is_starred=flag == "flagged",
    )


def keeps_its_content(item: Mapping[str, Any], folders: Folders) -> bool:
    """Return whether only the filing of a message can change: a draft is written on."""
    return not item.get("isDraft") and "drafts" not in filing(item, folders).folders


def received_at(item: Mapping[str, Any]) -> datetime:
    """:raises ValueError: if it says no moment"""
    return datetime.fromisoformat(str(item.get("receivedDateTime"))).astimezone(UTC)


def size_of(item: Mapping[str, Any]) -> int:
    """Return a message's size in bytes as Exchange counts it; 0 where it says none."""
    try:
        return bounded_size(int(extended_properties(item).get(_SIZE, "0")))
    except unexpected_responses.KINDS:
        return 0


def message(  # noqa: PLR0913
    item: Mapping[str, Any],
    read: ReadMail | Unreadable,
    size: int,
    folders: Folders,
    *,
    is_reconstructed: bool = False,
    is_mime: bool = False,
) -> RemoteMessage | errors.Rejected:
    """
    Return one message of its `HEAD` and its content, which was read before.

    :param size: in bytes
    :param is_reconstructed: it was read by its properties
    :param is_mime: it was read from its MIME, because its properties do not show it whole
    """
    reason = "undecodable"
    if isinstance(read, Unreadable):
        reason = read.reason
    else:
        with suppress(LookupError, ValueError, TypeError, AttributeError, OverflowError):
            return RemoteMessage(
                message_id=provider_id(ref(item).message_id),
                thread_id=provider_id(ref(item).thread_id),
                # The sender's Date may claim anything; this is Exchange's own clock.
                received_at=received_at(item),
                size=bounded_size(size),
                snippet=printable(str(item.get("bodyPreview") or ""))[:MAX_SNIPPET],
                filing=filing(item, folders),
                mail=read.mail,
                shown=read.shown,
                is_reconstructed=is_reconstructed,
                is_mime=is_mime,
            )
    return errors.Rejected("the message cannot be read", reason=reason)


def part(content: bytes, path: str) -> bytes:
    """
    Return the bytes of the part at `path`, a path of indexes, of a message's MIME.

    :raises Gone: if it has no such part
    :raises Rejected: if it cannot be read
    """
    found = parsers.find_part(content, path)
    if isinstance(found, Unreadable):
        raise errors.Rejected("the message cannot be read", reason=found.reason)
    if found is None:
        raise errors.Gone("the message has no such part")
    return found
