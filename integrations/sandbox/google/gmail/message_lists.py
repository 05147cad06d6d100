"""
Lists of messages and threads.

A page token is the sort key of the last shown message, so new mail neither repeats nor hides any.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from integrations.sandbox.google import api_problems
from integrations.sandbox.google.gmail import problems
from integrations.sandbox.google.gmail.request import GmailRequest
from integrations.sandbox.google.scopes import METADATA
from integrations.sandbox.mail.entry import MailboxEntry, format_id
from integrations.sandbox.mail.search import SearchCandidate, compile_query

HIDDEN = frozenset({"SPAM", "TRASH"})
MOST_ESTIMATED = 201


def make_filter(request: GmailRequest) -> Callable[[MailboxEntry], bool]:
    """:raises HttpProblem: `q` under the metadata scope"""
    text, label_ids = request.get_param("q"), frozenset(request.get_params("labelIds"))
    if text and METADATA in request.scopes:
        raise problems.metadata_scope_forbids_q()
    query = compile_query(text, now=request.state.clock.now()) if text else None
    show_hidden = (
        request.get_flag("includeSpamTrash")
        or bool(label_ids & HIDDEN)
        or (query is not None and query.mentions_hidden)
    )
    omissions = request.omissions

    def is_listed(entry: MailboxEntry) -> bool:
        if not show_hidden and entry.labels & HIDDEN:
            return False
        if not label_ids <= entry.labels:
            return False
        if query and not query(SearchCandidate(entry, request.rendering_cache, request.mailbox)):
            return False
        return not omissions.hides_from_list(entry.id)

    return is_listed


def _get_query_stamp(request: GmailRequest) -> str:
    """Binds a page token to its query."""
    query = [
        request.method.id,
        request.get_param("q"),
        sorted(request.get_params("labelIds")),
        request.get_param("includeSpamTrash"),
    ]
    return f"{int(hashlib.sha256(repr(query).encode()).hexdigest()[:6], 16):08d}"


def read_page_token(request: GmailRequest) -> tuple[int, int] | None:
    token = request.get_param("pageToken")
    if not token:
        return None
    if not token.isdecimal() or len(token) < 28 or token[:8] != _get_query_stamp(request):  # noqa: PLR2004
        raise api_problems.invalid_argument("Invalid pageToken")
    return int(token[8:-20]), int(token[-20:])


def _make_page_token(request: GmailRequest, entry: MailboxEntry) -> str:
    return f"{_get_query_stamp(request)}{entry.date}{entry.id:020d}"


def make_page(
    request: GmailRequest,
    entries: Iterator[MailboxEntry],
    name: str,
    show: Callable[[MailboxEntry], Any],
) -> dict[str, Any]:
    """Gmail omits the name of an empty list."""
    size = request.get_page_size()
    page_entries: list[MailboxEntry] = []
    has_more = False
    for entry in entries:
        if len(page_entries) == size:
            has_more = True
            break
        page_entries.append(entry)
    items = [
        item
        for entry in page_entries
        for item in [show(entry)] * (1 + request.omissions.repeats_in_list(entry.id))
    ]
    answer: dict[str, Any] = {name: items} if items else {}
    if has_more:
        answer["nextPageToken"] = _make_page_token(request, page_entries[-1])
    answer["resultSizeEstimate"] = MOST_ESTIMATED if has_more else len(page_entries)
    return answer


def list_messages(request: GmailRequest) -> dict[str, Any]:
    is_listed = make_filter(request)
    matching = (
        entry
        for entry in request.mailbox.iterate_newest_first(read_page_token(request))
        if is_listed(entry)
    )
    return make_page(request, matching, "messages", get_reference)


def list_threads(request: GmailRequest) -> dict[str, Any]:
    """Order the threads by their newest matching message."""
    is_listed = make_filter(request)

    def newest_of_their_thread() -> Iterator[MailboxEntry]:
        for entry in request.mailbox.iterate_newest_first(read_page_token(request)):
            if not is_listed(entry):
                continue
            newer = (
                other
                for other in request.mailbox.get_thread(entry.thread_id)
                if _is_later(other, entry)
            )
            if not any(is_listed(other) for other in newer):
                yield entry

    return make_page(
        request, newest_of_their_thread(), "threads", lambda entry: _describe_thread(request, entry)
    )


def _is_later(entry: MailboxEntry, other: MailboxEntry) -> bool:
    return (entry.date, entry.id) > (other.date, other.id)


def _describe_thread(request: GmailRequest, entry: MailboxEntry) -> dict[str, Any]:
    import orjson

    entries = request.mailbox.get_thread(entry.thread_id)
    return {
        "id": format_id(entry.thread_id),
        "snippet": orjson.loads(request.rendering_cache.get_rendering(entries[-1]).snippet),
        "historyId": str(max(item.history_id for item in entries)),
    }


def get_reference(entry: MailboxEntry) -> dict[str, str]:
    return {"id": format_id(entry.id), "threadId": format_id(entry.thread_id)}
