"""
What a message holds: its properties and the names of its attachments, or, at last, its MIME.

Most messages are read by pages. The MIME of a message, a request each, is for what Graph's JSON
does not show: see `mime_selection`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from integrations.parsers import parse_requests as parsers
from integrations.parsers.wire_frames import Unreadable
from integrations.providers import errors
from integrations.providers.access import Access
from integrations.providers.mail import RemoteMessage

from . import graph_message as reading
from . import mime_selection as kinds
from . import sent_replies as parents
from .folders import Folders
from .http import Request, contents, segment
from .mail_pages import Heads, PageReader

Items = Mapping[str, Mapping[str, Any]]
Read = dict[str, RemoteMessage | errors.ProviderError]

# An attachment's content id is of a file alone: an item has none.
_ATTACHMENT: Final = "id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"
# Of one message.
_MOST_ATTACHMENTS: Final = 1_000
_MOST_PAGES: Final = 20


@dataclass(slots=True)
class ContentReader:
    """
    Reads messages of one mailbox.

    :param always_mime: read every message from its MIME
    """

    access: Access
    always_mime: bool = False
    pages: PageReader = field(init=False)

    def __post_init__(self) -> None:
        if self.always_mime:
            self.pages = PageReader(self.access, reading.HEAD, "")
        else:
            self.pages = PageReader(self.access, reading.CONTENT, reading.EXTENDED)

    def read(self, heads: Heads, unlisted: Sequence[str], folders: Folders) -> Read:
        """
        Return each message, or the error that it met, by id.

        :param heads: messages that were listed, by id
        :param unlisted: ids of others
        """
        return self.read_items(self.pages.read(heads, unlisted), folders)

    def read_items(
        self, answers: Mapping[str, Mapping[str, Any] | errors.ProviderError], folders: Folders
    ) -> Read:
        """Return messages of which the properties are there already; see `read`."""
        read: Read = {}
        items: dict[str, Mapping[str, Any]] = {}
        for message_id, answer in answers.items():
            if isinstance(answer, errors.ProviderError):
                read[message_id] = answer
            elif reading.is_in(answer, folders):
                items[message_id] = answer
            else:
                read[message_id] = errors.Gone("it is in no folder that is read")
        shown = (
            {}
            if self.always_mime
            else {one: item for one, item in items.items() if kinds.is_shown_whole(item)}
        )
        files, failed = self._attachments(shown)
        read |= failed
        shown = {one: item for one, item in shown.items() if one in files}
        read |= self._by_properties(shown, files, parents.find_parents(items), folders)
        return read | self._by_mime({one: items[one] for one in items if one not in read}, folders)

    def _attachments(
        self, items: Items
    ) -> tuple[dict[str, list[Mapping[str, Any]]], dict[str, errors.ProviderError]]:
        """
        Return the attachments of each message, and the errors that asking for them met, by id.

        A message whose attachments JSON does not show, such as an encrypted one, is in neither.
        """
        having = [one for one, item in items.items() if kinds.may_have_attachments(item)]
        files: dict[str, list[Mapping[str, Any]]] = {one: [] for one in items.keys() - set(having)}
        failed: dict[str, errors.ProviderError] = {}
        requests = [_attachments_of(one) for one in having]
        for message_id, answer in zip(having, self.pages.batch(requests), strict=True):
            listed = self._following(answer)
            if isinstance(listed, errors.ProviderError):
                failed[message_id] = listed
            elif kinds.are_shown(listed):
                files[message_id] = listed
        return files, failed

    def _following(
        self, answer: Mapping[str, Any] | errors.ProviderError
    ) -> list[Any] | errors.ProviderError:
        """Return what a list of attachments holds, with the pages that follow."""
        found: list[Any] = []
        for _ in range(_MOST_PAGES):
            if isinstance(answer, errors.ProviderError):
                return answer
            entries = answer.get("value") or ()
            # An odd list is an odd entry, so that the message is read from its MIME.
            found += entries if isinstance(entries, list | tuple) else [entries]
            link = answer.get("@odata.nextLink")
            if not link or len(found) > _MOST_ATTACHMENTS:
                break
            (answer,) = self.pages.each([Request(str(link))])
        return found

    def _by_properties(
        self,
        items: Items,
        files: Mapping[str, Sequence[Mapping[str, Any]]],
        known_parents: Mapping[str, tuple[str, str]],
        folders: Folders,
    ) -> Read:
        """Return messages as JSON shows them; those that it does not show are left out."""
        records = {
            one: _record(item, files[one], known_parents.get(one)) for one, item in items.items()
        }
        read = parsers.read_graph(list(records.values()))
        return {
            one: reading.message(
                items[one], found, _size(items[one], record, files[one]), folders,
                is_reconstructed=True,
            )
            for (one, record), found in zip(records.items(), read, strict=True)
            if not (isinstance(found, Unreadable) and found.reason == "undecodable")
        }  # fmt: skip

    def _by_mime(self, items: Items, folders: Folders) -> Read:
        self.pages.request_count += len(items)
        mimes = contents([mime(one) for one in items], self.access)
        came = {
            one: content
            for one, content in zip(items, mimes, strict=True)
            if isinstance(content, bytes)
        }
        read: Read = {
            one: content
            for one, content in zip(items, mimes, strict=True)
            if isinstance(content, errors.ProviderError)
        }
        parsed = parsers.read_mime(list(came.values()))
        for (one, content), found in zip(came.items(), parsed, strict=True):
            read[one] = reading.message(
                items[one], found, len(content), folders, is_mime=not self.always_mime
            )
        return read


def mime(message_id: str) -> Request:
    """Return the request for a message's MIME."""
    return Request(f"/me/messages/{segment(message_id)}/$value", accept="*/*")


def _attachments_of(message_id: str) -> Request:
    path = f"/me/messages/{segment(message_id)}/attachments"
    return Request(path, {"$select": _ATTACHMENT})


def _record(
    item: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
    parent: tuple[str, str] | None,
) -> bytes:
    """Return what a parser process reads of a message: see `graph_message.parse`."""
    record = {"message": item, "attachments": files, "parent": parent}
    try:
        return orjson.dumps(record)
    except TypeError:
        # Half of a character, which Graph wrote as an escape.
        return json.dumps(record).encode()


def _size(item: Mapping[str, Any], record: bytes, files: Sequence[Mapping[str, Any]]) -> int:
    """Return its size as Exchange counts it, or else what came and its attachments."""
    said = reading.size_of(item)
    return said or len(record) + sum(
        one["size"] for one in files if isinstance(one.get("size"), int)
    )
