"""Outlook's mail behind `MailAdapter`, by Microsoft Graph. The cursor is `mail_cursor.Cursor`."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

from integrations.providers import errors, storable_values, unexpected_responses
from integrations.providers.access import Access
from integrations.providers.file_download import ArrivingFile
from integrations.providers.mail import (
    ChangePage,
    ListPage,
    MailboxProfile,
    RemoteMessage,
    RemoteThread,
    Wanted,
)

from . import attachments, folder_delta, mail_delta, mail_delta_pages
from . import graph_message as reading
from .folders import Folders
from .http import Request, call
from .mail_content import ContentReader, Read
from .mail_cursor import Cursor

MAX_PAGE: Final = 500
# Of a conversation; one with more is read as far as that.
_MOST_OF_THREAD: Final = 1_000
_MOST_PAGES_OF_THREAD: Final = 50
_PAGE_OF_THREAD: Final = 50
# Of what was listed or told, as many as a sync plans at once.
_MOST_HEADS: Final = 2_500
# Their clock and ours may differ by so much.
_SKEW: Final = timedelta(minutes=10)

_Thread = dict[str, Mapping[str, Any]] | errors.ProviderError


class GraphMailAdapter:
    """
    Reads one mailbox. Holds its folders, and no connection and no token of its own.

    And heads of what it listed, until that is fetched: whatever changes between is told, as every
    cursor is older than the listing.
    """

    def __init__(self, access: Access, *, always_mime: bool = False) -> None:
        """:param always_mime: read each message from its MIME, a request each"""
        self.access = access
        self._folders: Folders | None = None
        self._listed: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()
        self._content = ContentReader(access, always_mime=always_mime)

    @property
    def fetch_requests(self) -> int:
        return self._content.pages.request_count

    @unexpected_responses.is_unexpected
    def profile(self) -> MailboxProfile:
        listed = folder_delta.read(self.access, at=time.time())
        with self._lock:
            self._folders = listed.find_readable()
        since = (datetime.now(UTC) - _SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")
        return MailboxProfile(
            message_count=listed.message_count,
            cursor=str(mail_delta_pages.begin(listed, self.access, since=since)),
        )

    @unexpected_responses.is_unexpected
    def labels(self) -> Mapping[str, str]:
        answer = call(Request("/me/outlook/masterCategories"), self.access)
        names = [storable_values.text(one.get("displayName")) for one in answer.get("value") or ()]
        return {**self._known().names, **{reading.category(name): name for name in names}}

    @unexpected_responses.is_unexpected
    def list_page(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        query: str = "",
        page: str | None = None,
        limit: int = MAX_PAGE,
    ) -> ListPage:
        folders = self._known()
        size = str(min(limit, MAX_PAGE))
        if page is not None:
            request = Request(page)
        elif query.strip():
            asked = {"$search": _search(query, since, until), "$select": reading.HEAD, "$top": size}
            request = Request("/me/messages", asked)
        else:
            request = Request("/me/messages", {**_bounds(since, until), "$top": size})
        answer = call(request, self.access)
        items = [
            item
            for item in reading.listed(answer)
            if reading.is_in(item, folders) and _is_within(item, since, until)
        ]
        if not query.strip():
            # What was searched for lies far apart: no page holds it together.
            self._keep(items)
        next_page = storable_values.token(answer.get("@odata.nextLink"))
        if next_page and next_page == page:
            raise errors.Unexpected("a page of a list leads to itself")
        return ListPage(
            refs=tuple(map(reading.ref, items)),
            next_page=next_page,
            estimate=storable_values.number(answer.get("@odata.count")),
        )

    @unexpected_responses.is_unexpected
    def fetch(self, wanted: Sequence[Wanted]) -> Sequence[RemoteThread | errors.ProviderError]:
        folders = self._known()
        heads = self._heads(wanted)
        unlisted = [one.message_id for one in wanted if one.message_id not in heads]
        read = self._content.read(heads, list(filter(None, unlisted)), folders)
        found: list[RemoteThread | errors.ProviderError] = []
        for one in wanted:
            if one.thread_id:
                found.append(self._read_thread(one.thread_id, folders))
            else:
                found.append(_single(read[one.message_id]))
        return found

    @unexpected_responses.is_unexpected
    def changes(self, cursor: str) -> ChangePage:
        followed = mail_delta.follow(Cursor.read(cursor), self.access)
        with self._lock:
            self._folders = followed.folders
        self._keep(followed.heads)
        return followed.page

    @unexpected_responses.is_unexpected
    def attachment(self, message_id: str, part: str) -> ArrivingFile:
        return attachments.find(message_id, part, self.access)

    def _known(self) -> Folders:
        """Return the folders as they were when this adapter first asked, or followed changes."""
        with self._lock:
            if self._folders is None:
                listed = folder_delta.read(self.access, at=time.time())
                self._folders = listed.find_readable()
            return self._folders

    def _keep(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Keep those heads that are whole until they are fetched; of too many, the last."""
        with self._lock:
            self._listed |= {str(one["id"]): one for one in items if reading.is_whole(one)}
            for oldest in list(self._listed)[: max(0, len(self._listed) - _MOST_HEADS)]:
                self._listed.pop(oldest, None)

    def _heads(self, wanted: Sequence[Wanted]) -> dict[str, Mapping[str, Any]]:
        """Return the heads of those that were listed, each once: what failed is looked up."""
        with self._lock:
            known = {
                one.message_id: self._listed.pop(one.message_id, None)
                for one in wanted
                if one.message_id
            }
        return {one: head for one, head in known.items() if head is not None}

    def _read_thread(self, thread_id: str, folders: Folders) -> RemoteThread | errors.ProviderError:
        found = self._thread(thread_id)
        if isinstance(found, errors.ProviderError):
            return found
        return _whole(found, self._content.read_items(found, folders))

    def _thread(self, thread_id: str) -> _Thread:
        quoted = thread_id.replace("'", "''")
        # Without an order, which Graph would want to be the filter's first property.
        asked = {"$filter": f"conversationId eq '{quoted}'", "$top": str(_PAGE_OF_THREAD)}
        pages = self._content.pages
        request = Request("/me/messages", pages.query(**asked), prefer=reading.BODY_TYPE)
        found: dict[str, Mapping[str, Any]] = {}
        for _ in range(_MOST_PAGES_OF_THREAD):
            (answer,) = pages.each([request])
            if isinstance(answer, errors.ProviderError):
                return answer
            found |= {str(one["id"]): one for one in reading.listed(answer)}
            following = answer.get("@odata.nextLink")
            if not following or len(found) >= _MOST_OF_THREAD:
                break
            request = Request(str(following), prefer=reading.BODY_TYPE)
        return found


def _single(
    found: RemoteMessage | errors.ProviderError,
) -> RemoteThread | errors.ProviderError:
    return found if isinstance(found, errors.ProviderError) else RemoteThread((found,))


def _whole(
    items: Mapping[str, Mapping[str, Any]], read: Read
) -> RemoteThread | errors.ProviderError:
    """Return a thread. Those that cannot be read are named in it; another error is its own."""
    messages: list[RemoteMessage] = []
    rejected: dict[str, str] = {}
    # Listed newest first, to the second: of one second, the last listed came first.
    for message_id in reversed(list(items)):
        found = read[message_id]
        if isinstance(found, RemoteMessage):
            messages.append(found)
        elif isinstance(found, errors.Rejected):
            rejected[message_id] = found.reason
        elif not isinstance(found, errors.Gone):
            return found
    if not messages and not rejected:
        return errors.Gone("there is no such message in a folder that is read")
    messages.sort(key=lambda message: message.received_at)
    return RemoteThread(tuple(messages), rejected)


def _bounds(since: datetime | None, until: datetime | None) -> dict[str, str]:
    """Return a listing by time. What it orders by comes first in its filter, as Graph wants it."""
    bounds = [f"receivedDateTime ge {_moment(since)}"] if since else []
    bounds += [f"receivedDateTime lt {_moment(until)}"] if until else []
    asked = {"$orderby": "receivedDateTime desc", "$select": reading.HEAD, "$count": "true"}
    return asked | ({"$filter": " and ".join(bounds)} if bounds else {})


def _search(query: str, since: datetime | None, until: datetime | None) -> str:
    """
    Return what was typed as Graph searches, newest first, and near the bounds.

    A search takes no filter, and its days are the mailbox's own; `_is_within` has the last word.
    """
    words = [query.strip().replace("\\", "\\\\").replace('"', '\\"')]
    day = timedelta(days=1)
    words += [f"received>={since - day:%Y-%m-%d}"] if since else []
    words += [f"received<={until + day:%Y-%m-%d}"] if until else []
    return f'"{" ".join(words)}"'


def _is_within(item: Mapping[str, Any], since: datetime | None, until: datetime | None) -> bool:
    if since is None and until is None:
        return True
    try:
        at = reading.received_at(item)
    except ValueError:
        return False
    is_late = since is None or at >= since.replace(microsecond=0)
    return is_late and (until is None or at < until.replace(microsecond=0))


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def open_mail(access: Access) -> Iterator[GraphMailAdapter]:
    """Hold an adapter to the mailbox that `access` is for."""
    yield GraphMailAdapter(access)
