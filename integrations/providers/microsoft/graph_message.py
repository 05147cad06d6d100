from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from integrations.formats import label_ids
from integrations.formats.mime.graph_message import (
    IN_REPLY_TO,
    REFERENCES,
    read_extended_properties,
)
from integrations.formats.mime.headers import make_printable
from integrations.formats.mime.message import clamp_size
from integrations.parsers import parse_requests
from integrations.parsers.mail_tasks import ParsedMail
from integrations.parsers.parser_frames import UnreadableItem
from integrations.providers import errors, unexpected_responses
from integrations.providers.mail import MessageFiling, MessageRef, RemoteMessage, parse_provider_id

from .mail_folders import ReadableFolders

# The filing of a message, and the ids that name it.
FILING_FIELDS: Final = "id,conversationId,parentFolderId,isRead,isDraft,flag,categories,importance"
HEAD_FIELDS: Final = FILING_FIELDS + ",receivedDateTime,bodyPreview"
# All properties that are read; the README explains each.
CONTENT_FIELDS: Final = (
    HEAD_FIELDS
    + ",createdDateTime,lastModifiedDateTime,sentDateTime,internetMessageId,subject,from"
    + ",toRecipients,ccRecipients,bccRecipients,replyTo,conversationIndex,hasAttachments,body"
    + ",internetMessageHeaders"
)
#: Names of extended properties, as Graph writes them.
REFERENCES_PROPERTY: Final = f"String {REFERENCES:#06x}"
IN_REPLY_TO_PROPERTY: Final = f"String {IN_REPLY_TO:#06x}"
#: PR_MESSAGE_SIZE.
_SIZE_PROPERTY: Final = 0x0E08
# The references of sent messages, which have no internet headers, and the size.
EXTENDED_PROPERTIES: Final = (
    "singleValueExtendedProperties("
    f"$filter=id eq '{REFERENCES_PROPERTY}' or id eq '{IN_REPLY_TO_PROPERTY}'"
    f" or id eq 'Integer 0x{_SIZE_PROPERTY:04X}')"
)
# Graph's default, set so that it cannot change: HTML, which Graph sanitises and Antares again.
BODY_TYPE: Final = ('outlook.body-content-type="html"',)
MAX_SNIPPET: Final = 300
_HEAD_NAMES: Final = frozenset(HEAD_FIELDS.split(","))


def is_complete(item: Mapping[str, Any]) -> bool:
    """Items of a delta may have fewer properties than a head."""
    return item.keys() >= _HEAD_NAMES


def list_messages(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    entries = answer.get("value")
    return [
        entry
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


def is_in_folders(item: Mapping[str, Any], folders: ReadableFolders) -> bool:
    folder_id = item.get("parentFolderId")
    return isinstance(folder_id, str) and folder_id in folders


def map_message_ref(item: Mapping[str, Any]) -> MessageRef:
    return MessageRef(str(item["id"]), str(item.get("conversationId") or item["id"]))


def make_category_id(name: str) -> str:
    """Messages hold a category's name, and Graph gives no id."""
    return label_ids.make_label_id(make_printable(name))


def map_filing(item: Mapping[str, Any], folders: ReadableFolders) -> MessageFiling:
    """
    A folder of the user's own is a label, and archived.

    Outlook's focused and other are left out: they apply to the inbox only.
    """
    folder_id = str(item.get("parentFolderId") or "")
    system_names = [
        folders.system_names.get(folder_id) or ("drafts" if item.get("isDraft") else "archive")
    ]
    if str(item.get("importance") or "").lower() == "high":
        system_names.append("important")
    labels = [folder_id] if folder_id in folders.names else []
    labels += [make_category_id(str(name)) for name in item.get("categories") or ()]
    flag = (item.get("flag") or {}).get("flagStatus")
    return MessageFiling(
        folders=tuple(system_names),
        labels=tuple(dict.fromkeys(labels)),
        is_unread=not item.get("isRead"),
        is_starred=flag == "flagged",
    )


def is_content_final(item: Mapping[str, Any], folders: ReadableFolders) -> bool:
    """A draft's content can change."""
    return not item.get("isDraft") and "drafts" not in map_filing(item, folders).folders


def parse_received_at(item: Mapping[str, Any]) -> datetime:
    """:raises ValueError: if the item holds no valid time"""
    return datetime.fromisoformat(str(item.get("receivedDateTime"))).astimezone(UTC)


def get_size(item: Mapping[str, Any]) -> int:
    """Return bytes as Exchange counts; 0 if unknown."""
    try:
        return clamp_size(int(read_extended_properties(item).get(_SIZE_PROPERTY, "0")))
    except unexpected_responses.UNREADABLE_ERRORS:
        return 0


def map_message(  # noqa: PLR0913
    item: Mapping[str, Any],
    read: ParsedMail | UnreadableItem,
    size: int,
    folders: ReadableFolders,
    *,
    is_reconstructed: bool = False,
    is_mime: bool = False,
) -> RemoteMessage | errors.Rejected:
    """
    :param item: has `HEAD_FIELDS`
    :param size: bytes
    :param is_reconstructed: the content is from properties
    :param is_mime: the content is from MIME, because properties do not show all of it
    """
    reason = "undecodable"
    if isinstance(read, UnreadableItem):
        reason = read.reason
    else:
        with suppress(LookupError, ValueError, TypeError, AttributeError, OverflowError):
            return RemoteMessage(
                message_id=parse_provider_id(map_message_ref(item).message_id),
                thread_id=parse_provider_id(map_message_ref(item).thread_id),
                # Exchange's clock; the sender's Date header is not reliable.
                received_at=parse_received_at(item),
                size=clamp_size(size),
                snippet=make_printable(str(item.get("bodyPreview") or ""))[:MAX_SNIPPET],
                filing=map_filing(item, folders),
                mail=read.mail,
                shown=read.sanitised,
                is_reconstructed=is_reconstructed,
                is_mime=is_mime,
            )
    return errors.Rejected("the message cannot be read", reason=reason)


def find_part(content: bytes, path: str) -> bytes:
    """
    :param content: MIME
    :param path: of indexes
    :raises Gone: if the message has no such part
    :raises Rejected: if the message cannot be read
    """
    data = parse_requests.find_part(content, path)
    if isinstance(data, UnreadableItem):
        raise errors.Rejected("the message cannot be read", reason=data.reason)
    if data is None:
        raise errors.Gone("the message has no such part")
    return data
