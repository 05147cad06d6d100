"""The cursor is a `GraphMailCursor`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.file_download import FileDownload
from integrations.providers.mail import (
    FetchTarget,
    MailboxProfile,
    MailChangePage,
    MessageListPage,
    RemoteMessage,
    RemoteThread,
)
from integrations.providers.outgoing_mail import DraftRef, OutgoingMail, SendAddress, SendLook
from integrations.providers.provider_access import ProviderAccess

from . import (
    attachments,
    folder_delta,
    graph_message,
    graph_sender,
    mail_delta,
    mail_delta_pages,
    mail_list_query,
)
from .graph_http import GraphApiRequest, send_graph_read
from .mail_content import ContentReader, MessageResults
from .mail_cursor import GraphMailCursor
from .mail_folders import ReadableFolders

MAX_PAGE: Final = 500
# Limits of one conversation; the rest of a longer one is not read.
_MAX_THREAD_MESSAGES: Final = 1_000
_MAX_THREAD_PAGES: Final = 50
_THREAD_PAGE_SIZE: Final = 50
# Heads to store: as many as a sync plans at once.
_MAX_HEADS: Final = 2_500
# The possible difference between Microsoft's clock and ours.
_SKEW: Final = timedelta(minutes=10)

_ThreadItems = dict[str, Mapping[str, Any]] | errors.ProviderError


class GraphMailAdapter:
    """
    Holds the mailbox's folders, and heads of listed messages until they are fetched.

    A later change is not lost, because every cursor is older than the listing.
    """

    def __init__(self, access: ProviderAccess, *, always_mime: bool = False) -> None:
        """:param always_mime: read each message from its MIME, one request each"""
        self.access = access
        self._folders: ReadableFolders | None = None
        self._listed: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()
        self._content = ContentReader(access, always_mime=always_mime)

    @property
    def fetch_request_count(self) -> int:
        return self._content.pages.request_count

    @unexpected_responses.raise_unexpected
    def get_profile(self) -> MailboxProfile:
        listed = folder_delta.read_folders(self.access, at=time.time())
        with self._lock:
            self._folders = listed.find_readable()
        since = (datetime.now(UTC) - _SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")
        return MailboxProfile(
            message_count=listed.message_count,
            cursor=str(mail_delta_pages.start_delta(listed, self.access, since=since)),
        )

    @unexpected_responses.raise_unexpected
    def get_label_names(self) -> Mapping[str, str]:
        answer = send_graph_read(GraphApiRequest("/me/outlook/masterCategories"), self.access)
        names = [
            storable_values.clean_text(category.get("displayName"))
            for category in answer.get("value") or ()
        ]
        return {
            **self._get_folders().names,
            **{graph_message.make_category_id(name): name for name in names},
        }

    @unexpected_responses.raise_unexpected
    def list_messages(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = MAX_PAGE,
    ) -> MessageListPage:
        folders = self._get_folders()
        size = str(min(limit, MAX_PAGE))
        if page is not None:
            request = GraphApiRequest(page)
        elif query.strip():
            parameters = {
                "$search": mail_list_query.build_search(query, since, until),
                "$select": graph_message.HEAD_FIELDS,
                "$top": size,
            }
            request = GraphApiRequest("/me/messages", parameters)
        else:
            request = GraphApiRequest(
                "/me/messages", {**mail_list_query.build_list_query(since, until), "$top": size}
            )
        answer = send_graph_read(request, self.access)
        items = [
            item
            for item in graph_message.list_messages(answer)
            if graph_message.is_in_folders(item, folders)
            and mail_list_query.is_within(item, since, until)
        ]
        if not query.strip():
            # Search results lie too far apart to share a page.
            self._remember_heads(items)
        next_page = storable_values.check_token(answer.get("@odata.nextLink"))
        if next_page and next_page == page:
            raise errors.Unexpected("a page of a list leads to itself")
        return MessageListPage(
            refs=tuple(map(graph_message.map_message_ref, items)),
            next_page=next_page,
            estimate=storable_values.clamp_number(answer.get("@odata.count")),
        )

    @unexpected_responses.raise_unexpected
    def fetch_messages(
        self, targets: Sequence[FetchTarget]
    ) -> Sequence[RemoteThread | errors.ProviderError]:
        folders = self._get_folders()
        heads = self._take_heads(targets)
        unlisted = [target.message_id for target in targets if target.message_id not in heads]
        read = self._content.read_messages(heads, list(filter(None, unlisted)), folders)
        results: list[RemoteThread | errors.ProviderError] = []
        for target in targets:
            if target.thread_id:
                results.append(self._read_thread(target.thread_id, folders))
            else:
                results.append(_build_single_thread(read[target.message_id]))
        return results

    @unexpected_responses.raise_unexpected
    def get_changes(self, cursor: str) -> MailChangePage:
        followed = mail_delta.follow_changes(GraphMailCursor.from_json(cursor), self.access)
        with self._lock:
            self._folders = followed.folders
        self._remember_heads(followed.heads)
        return followed.page

    @unexpected_responses.raise_unexpected
    def open_attachment(self, message_id: str, part: str) -> FileDownload:
        return attachments.open_attachment(message_id, part, self.access)

    @unexpected_responses.raise_unexpected
    def create_draft(self, mail: OutgoingMail) -> DraftRef:
        return graph_sender.create_draft(mail, self.access)

    @unexpected_responses.raise_unexpected
    def delete_drafts(self, tag: str) -> int:
        return graph_sender.delete_drafts(tag, self.access)

    @unexpected_responses.raise_unexpected
    def send_draft(self, draft: DraftRef) -> None:
        graph_sender.send_draft(draft, self.access)

    @unexpected_responses.raise_unexpected
    def look_for_sent(
        self,
        draft: DraftRef,
        tag: str,
        since: datetime | None = None,  # noqa: ARG002 - Outlook can search for the tag
    ) -> SendLook:
        return graph_sender.look_for_sent(draft, tag, self.access)

    def get_send_addresses(self) -> tuple[SendAddress, ...]:
        """Return (): Graph lists neither addresses nor signatures."""
        return ()

    def _get_folders(self) -> ReadableFolders:
        with self._lock:
            if self._folders is None:
                listed = folder_delta.read_folders(self.access, at=time.time())
                self._folders = listed.find_readable()
            return self._folders

    def _remember_heads(self, items: Iterable[Mapping[str, Any]]) -> None:
        with self._lock:
            self._listed |= {
                str(item["id"]): item for item in items if graph_message.is_complete(item)
            }
            for oldest in list(self._listed)[: max(0, len(self._listed) - _MAX_HEADS)]:
                self._listed.pop(oldest, None)

    def _take_heads(self, targets: Sequence[FetchTarget]) -> dict[str, Mapping[str, Any]]:
        """A failed message is looked up at its next fetch."""
        with self._lock:
            known = {
                target.message_id: self._listed.pop(target.message_id, None)
                for target in targets
                if target.message_id
            }
        return {message_id: head for message_id, head in known.items() if head is not None}

    def _read_thread(
        self, thread_id: str, folders: ReadableFolders
    ) -> RemoteThread | errors.ProviderError:
        items = self._list_thread(thread_id)
        if isinstance(items, errors.ProviderError):
            return items
        return _build_thread(items, self._content.read_items(items, folders))

    def _list_thread(self, thread_id: str) -> _ThreadItems:
        quoted = thread_id.replace("'", "''")
        # Without `$orderby`, which Graph would require as the filter's first property.
        parameters = {"$filter": f"conversationId eq '{quoted}'", "$top": str(_THREAD_PAGE_SIZE)}
        pages = self._content.pages
        request = GraphApiRequest(
            "/me/messages", pages.build_query(**parameters), prefer=graph_message.BODY_TYPE
        )
        items: dict[str, Mapping[str, Any]] = {}
        for _ in range(_MAX_THREAD_PAGES):
            (answer,) = pages.send_each([request])
            if isinstance(answer, errors.ProviderError):
                return answer
            items |= {str(item["id"]): item for item in graph_message.list_messages(answer)}
            following = answer.get("@odata.nextLink")
            if not following or len(items) >= _MAX_THREAD_MESSAGES:
                break
            request = GraphApiRequest(str(following), prefer=graph_message.BODY_TYPE)
        return items


def _build_single_thread(
    result: RemoteMessage | errors.ProviderError,
) -> RemoteThread | errors.ProviderError:
    return result if isinstance(result, errors.ProviderError) else RemoteThread((result,))


def _build_thread(
    items: Mapping[str, Mapping[str, Any]], results: MessageResults
) -> RemoteThread | errors.ProviderError:
    messages: list[RemoteMessage] = []
    rejected: dict[str, str] = {}
    # Listed newest first, to the second: within a second, the last listed is the oldest.
    for message_id in reversed(list(items)):
        result = results[message_id]
        if isinstance(result, RemoteMessage):
            messages.append(result)
        elif isinstance(result, errors.Rejected):
            rejected[message_id] = result.reason
        elif not isinstance(result, errors.Gone):
            return result
    if not messages and not rejected:
        return errors.Gone("there is no such message in a folder that is read")
    messages.sort(key=lambda message: message.received_at)
    return RemoteThread(tuple(messages), rejected)


@contextmanager
def open_mail(access: ProviderAccess) -> Iterator[GraphMailAdapter]:
    yield GraphMailAdapter(access)
