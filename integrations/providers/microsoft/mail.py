"""Outlook's mail behind `MailAdapter`, by Microsoft Graph. The cursor is `mail_delta.Cursor`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Any, Final

from integrations.parsers import reading as parsers
from integrations.providers import errors, misread, values
from integrations.providers.access import Access
from integrations.providers.arriving import ArrivingFile
from integrations.providers.base import (
    ChangePage,
    ListPage,
    MailboxProfile,
    RemoteMessage,
    RemoteThread,
    Wanted,
)

from . import attachments, mail_delta
from . import folders as folder_list
from . import mail_reading as reading
from .calls import Outcome, Request, call, call_each, contents, segment
from .folders import Folders

MAX_PAGE: Final = 500
# Of a conversation; one with more is read as far as that.
_MOST_OF_THREAD: Final = 1_000
_MOST_PAGES_OF_THREAD: Final = 50
# Of what was listed or told, as many as a sync plans at once.
_MOST_HEADS: Final = 2_500
# Their clock and ours may differ by so much.
_SKEW: Final = timedelta(minutes=10)

_Heads = list[Mapping[str, Any]] | errors.ProviderError
_Messages = dict[str, RemoteMessage | errors.ProviderError]


class GraphMailAdapter:
    """
    Reads one mailbox. Holds its folders, and no connection and no token of its own.

    And heads of what it listed, until that is fetched: whatever changes between is told, as every
    cursor is older than the listing.
    """

    def __init__(self, access: Access) -> None:
        self.access = access
        self._folders: Folders | None = None
        self._listed: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()

    @misread.is_unexpected
    def profile(self) -> MailboxProfile:
        folders = self._now()
        since = (datetime.now(UTC) - _SKEW).strftime("%Y-%m-%dT%H:%M:%SZ")
        return MailboxProfile(
            message_count=folders.message_count,
            cursor=str(mail_delta.begin(folders, self.access, since=since)),
        )

    @misread.is_unexpected
    def labels(self) -> Mapping[str, str]:
        answer = call(Request("/me/outlook/masterCategories"), self.access)
        names = [values.text(one.get("displayName")) for one in answer.get("value") or ()]
        return {**self._known().names, **{reading.category(name): name for name in names}}

    @misread.is_unexpected
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
            for item in answer.get("value") or ()
            if item.get("parentFolderId") in folders and _is_within(item, since, until)
        ]
        self._keep(items)
        return ListPage(
            refs=tuple(map(reading.ref, items)),
            next_page=values.token(answer.get("@odata.nextLink")),
            estimate=values.number(answer.get("@odata.count")),
        )

    @misread.is_unexpected
    def fetch(self, wanted: Sequence[Wanted]) -> Sequence[RemoteThread | errors.ProviderError]:
        folders = self._known()
        heads = self._heads(wanted)
        items = {
            reading.ref(item).message_id: item
            for found in heads
            if not isinstance(found, errors.ProviderError)
            for item in found
            if item.get("parentFolderId") in folders
        }
        mimes = contents([_mime(one) for one in items], self.access)
        read = _read(items, dict(zip(items, mimes, strict=True)), folders)
        return [_meant(one, found, read) for one, found in zip(wanted, heads, strict=True)]

    @misread.is_unexpected
    def changes(self, cursor: str) -> ChangePage:
        place = mail_delta.Cursor.read(cursor)
        page, heads = mail_delta.follow(place, self._now(), self.access)
        self._keep(heads)
        return page

    @misread.is_unexpected
    def attachment(self, message_id: str, part: str) -> ArrivingFile:
        # Out of the message itself: the ids that Graph gives attachments say nothing of parts.
        return attachments.find(_mime(message_id), part, self.access)

    def _known(self) -> Folders:
        """Return the folders as they were when this adapter first asked, or followed changes."""
        with self._lock:
            if self._folders is None:
                self._folders = folder_list.read(self.access)
            return self._folders

    def _now(self) -> Folders:
        with self._lock:
            self._folders = folder_list.read(self.access)
            return self._folders

    def _keep(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Keep those heads that are whole until they are fetched; of too many, the last."""
        with self._lock:
            self._listed |= {str(one["id"]): one for one in items if reading.is_whole(one)}
            for oldest in list(self._listed)[: max(0, len(self._listed) - _MOST_HEADS)]:
                self._listed.pop(oldest, None)

    def _heads(self, wanted: Sequence[Wanted]) -> list[_Heads]:
        """Return the messages that each of `wanted` is, without their content."""
        # Once: what failed is asked for anew.
        known = [self._listed.pop(one.message_id or "", None) for one in wanted]
        asked = [one for one, head in zip(wanted, known, strict=True) if head is None]
        answers = iter(call_each([_head(one) for one in asked], self.access))
        return [
            [head] if head is not None else self._found(one, next(answers))
            for one, head in zip(wanted, known, strict=True)
        ]

    def _found(self, wanted: Wanted, answer: Outcome) -> _Heads:
        if isinstance(answer, errors.ProviderError):
            return answer
        return self._thread(answer) if wanted.thread_id else [answer]

    def _thread(self, answer: dict[str, Any]) -> _Heads:
        found: list[Mapping[str, Any]] = list(answer.get("value") or ())
        for _ in range(_MOST_PAGES_OF_THREAD):
            following = answer.get("@odata.nextLink")
            if not following or len(found) >= _MOST_OF_THREAD:
                break
            (more,) = call_each([Request(str(following))], self.access)
            if isinstance(more, errors.ProviderError):
                return more
            answer = more
            found += answer.get("value") or ()
        return found


def _head(wanted: Wanted) -> Request:
    if wanted.thread_id:
        quoted = wanted.thread_id.replace("'", "''")
        # Without an order, which Graph would want to be the filter's first property.
        asked = {"$filter": f"conversationId eq '{quoted}'", "$select": reading.HEAD, "$top": "100"}
        return Request("/me/messages", asked)
    return Request(f"/me/messages/{segment(wanted.message_id)}", {"$select": reading.HEAD})


def _mime(message_id: str) -> Request:
    return Request(f"/me/messages/{segment(message_id)}/$value", accept="*/*")


def _read(
    items: Mapping[str, Mapping[str, Any]],
    mimes: Mapping[str, bytes | errors.ProviderError],
    folders: Folders,
) -> _Messages:
    """Return each message, or the error that it met, by id."""
    came = {one: mime for one, mime in mimes.items() if isinstance(mime, bytes)}
    failed = {one: error for one, error in mimes.items() if isinstance(error, errors.ProviderError)}
    read = parsers.read_mime(list(came.values()))
    return {
        **failed,
        **{
            one: reading.message(items[one], found, len(came[one]), folders)
            for one, found in zip(came, read, strict=True)
        },
    }


def _meant(wanted: Wanted, heads: _Heads, read: _Messages) -> RemoteThread | errors.ProviderError:
    if isinstance(heads, errors.ProviderError):
        return heads
    messages: list[RemoteMessage] = []
    failed: dict[str, errors.ProviderError] = {}
    # Listed newest first, to the second: of one second, the last listed came first.
    for item in reversed(heads):
        message_id = reading.ref(item).message_id
        found = read.get(message_id)
        if isinstance(found, RemoteMessage):
            messages.append(found)
        elif found is not None and not isinstance(found, errors.Gone):
            failed[message_id] = found
    rejected = {one: why.reason for one, why in failed.items() if isinstance(why, errors.Rejected)}
    for message_id, why in failed.items():
        if message_id not in rejected or not wanted.thread_id:
            return why
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
