"""
The content of messages: properties, or MIME as the last resort.

Properties are read by pages, MIME with one request per message. See `mime_selection`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from integrations.parsers import parse_requests
from integrations.parsers.parser_frames import UnreadableItem
from integrations.providers import errors
from integrations.providers.mail import RemoteMessage
from integrations.providers.provider_access import ProviderAccess

from . import graph_message, mime_selection, sent_replies
from .graph_http import GraphApiRequest, fetch_contents, quote_segment
from .mail_folders import ReadableFolders
from .mail_pages import GraphMessagePageReader, Heads

MessageItems = Mapping[str, Mapping[str, Any]]
MessageResults = dict[str, RemoteMessage | errors.ProviderError]

# Only file attachments have a content id, not attached items.
_ATTACHMENT_FIELDS: Final = (
    "id,name,contentType,size,isInline,microsoft.graph.fileAttachment/contentId"
)
# Per message.
_MAX_ATTACHMENTS: Final = 1_000
_MAX_PAGES: Final = 20


@dataclass(slots=True)
class ContentReader:
    access: ProviderAccess
    always_mime: bool = False
    pages: GraphMessagePageReader = field(init=False)

    def __post_init__(self) -> None:
        if self.always_mime:
            self.pages = GraphMessagePageReader(self.access, graph_message.HEAD_FIELDS, "")
        else:
            self.pages = GraphMessagePageReader(
                self.access, graph_message.CONTENT_FIELDS, graph_message.EXTENDED_PROPERTIES
            )

    def read_messages(
        self, heads: Heads, unlisted: Sequence[str], folders: ReadableFolders
    ) -> MessageResults:
        """
        :param heads: listed messages, by id
        :param unlisted: ids of other messages
        """
        return self.read_items(self.pages.read_properties(heads, unlisted), folders)

    def read_items(
        self,
        answers: Mapping[str, Mapping[str, Any] | errors.ProviderError],
        folders: ReadableFolders,
    ) -> MessageResults:
        results: MessageResults = {}
        items: dict[str, Mapping[str, Any]] = {}
        for message_id, answer in answers.items():
            if isinstance(answer, errors.ProviderError):
                results[message_id] = answer
            elif graph_message.is_in_folders(answer, folders):
                items[message_id] = answer
            else:
                results[message_id] = errors.Gone("it is in no folder that is read")
        by_properties = (
            {}
            if self.always_mime
            else {
                item_id: item
                for item_id, item in items.items()
                if mime_selection.is_shown_whole(item)
            }
        )
        files, failed = self._list_attachments(by_properties)
        results |= failed
        by_properties = {
            item_id: item for item_id, item in by_properties.items() if item_id in files
        }
        results |= self._read_by_properties(
            by_properties, files, sent_replies.find_parents(items), folders
        )
        return results | self._read_by_mime(
            {item_id: items[item_id] for item_id in items if item_id not in results}, folders
        )

    def _list_attachments(
        self, items: MessageItems
    ) -> tuple[dict[str, list[Mapping[str, Any]]], dict[str, errors.ProviderError]]:
        """
        Return attachments, and errors, by message id.

        A message with attachments that JSON does not show is in neither.
        """
        message_ids = [
            item_id for item_id, item in items.items() if mime_selection.may_have_attachments(item)
        ]
        files: dict[str, list[Mapping[str, Any]]] = {
            item_id: [] for item_id in items.keys() - set(message_ids)
        }
        failed: dict[str, errors.ProviderError] = {}
        requests = [_build_attachments_request(item_id) for item_id in message_ids]
        for message_id, answer in zip(message_ids, self.pages.send_batch(requests), strict=True):
            listed = self._read_all_pages(answer)
            if isinstance(listed, errors.ProviderError):
                failed[message_id] = listed
            elif mime_selection.are_attachments_shown(listed):
                files[message_id] = listed
        return files, failed

    def _read_all_pages(
        self, answer: Mapping[str, Any] | errors.ProviderError
    ) -> list[Any] | errors.ProviderError:
        attachments: list[Any] = []
        for _ in range(_MAX_PAGES):
            if isinstance(answer, errors.ProviderError):
                return answer
            entries = answer.get("value") or ()
            # A malformed list becomes a malformed entry, so that the message is read from MIME.
            attachments += entries if isinstance(entries, list | tuple) else [entries]
            link = answer.get("@odata.nextLink")
            if not link or len(attachments) > _MAX_ATTACHMENTS:
                break
            (answer,) = self.pages.send_each([GraphApiRequest(str(link))])
        return attachments

    def _read_by_properties(
        self,
        items: MessageItems,
        files: Mapping[str, Sequence[Mapping[str, Any]]],
        known_parents: Mapping[str, tuple[str, str]],
        folders: ReadableFolders,
    ) -> MessageResults:
        """Omit messages that JSON does not show."""
        records = {
            message_id: _encode_record(item, files[message_id], known_parents.get(message_id))
            for message_id, item in items.items()
        }
        parsed_mails = parse_requests.read_graph(list(records.values()))
        return {
            message_id: graph_message.map_message(
                items[message_id],
                parsed_mail,
                _get_size(items[message_id], record, files[message_id]),
                folders,
                is_reconstructed=True,
            )
            for (message_id, record), parsed_mail in zip(records.items(), parsed_mails, strict=True)
            if not (isinstance(parsed_mail, UnreadableItem) and parsed_mail.reason == "undecodable")
        }  # fmt: skip

    def _read_by_mime(self, items: MessageItems, folders: ReadableFolders) -> MessageResults:
        self.pages.request_count += len(items)
        mimes = fetch_contents(
            [build_mime_request(message_id) for message_id in items], self.access
        )
        received = {
            message_id: content
            for message_id, content in zip(items, mimes, strict=True)
            if isinstance(content, bytes)
        }
        results: MessageResults = {
            message_id: content
            for message_id, content in zip(items, mimes, strict=True)
            if isinstance(content, errors.ProviderError)
        }
        parsed_mails = parse_requests.read_mime(list(received.values()))
        for (message_id, content), parsed_mail in zip(received.items(), parsed_mails, strict=True):
            results[message_id] = graph_message.map_message(
                items[message_id], parsed_mail, len(content), folders, is_mime=not self.always_mime
            )
        return results


def build_mime_request(message_id: str) -> GraphApiRequest:
    return GraphApiRequest(f"/me/messages/{quote_segment(message_id)}/$value", accept="*/*")


def _build_attachments_request(message_id: str) -> GraphApiRequest:
    path = f"/me/messages/{quote_segment(message_id)}/attachments"
    return GraphApiRequest(path, {"$select": _ATTACHMENT_FIELDS})


def _encode_record(
    item: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
    parent: tuple[str, str] | None,
) -> bytes:
    record = {"message": item, "attachments": files, "parent": parent}
    try:
        return orjson.dumps(record)
    except TypeError:
        # A lone surrogate, which Graph sent as an escape.
        return json.dumps(record).encode()


def _get_size(item: Mapping[str, Any], record: bytes, files: Sequence[Mapping[str, Any]]) -> int:
    reported_size = graph_message.get_size(item)
    return reported_size or len(record) + sum(
        file["size"] for file in files if isinstance(file.get("size"), int)
    )
