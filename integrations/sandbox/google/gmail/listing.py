"""
Which messages and threads a list shows, and where its next page begins.

A page token is the key of the last message shown, so that mail that arrives between two pages
neither repeats nor hides any.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail.ask import Ask
from integrations.sandbox.google.scopes import METADATA
from integrations.sandbox.mail.entry import Entry, shown_id
from integrations.sandbox.mail.search import Candidate, compile_query

HIDDEN = frozenset({"SPAM", "TRASH"})
MOST_ESTIMATED = 201


def filter_of(ask: Ask) -> Callable[[Entry], bool]:
    """:raises Problem: `q` under the metadata scope"""
    text, wanted = ask.text("q"), frozenset(ask.texts("labelIds"))
    if text and METADATA in ask.scopes:
        raise problems.metadata_scope_forbids_q()
    query = compile_query(text, now=ask.world.clock.now()) if text else None
    show_hidden = (
        ask.flag("includeSpamTrash")
        or bool(wanted & HIDDEN)
        or (query is not None and query.mentions_hidden)
    )
    omissions = ask.omissions

    def shown(entry: Entry) -> bool:
        if not show_hidden and entry.labels & HIDDEN:
            return False
        if not wanted <= entry.labels:
            return False
        if query and not query(Candidate(entry, ask.gallery, ask.box)):
            return False
        return not omissions.from_list(entry.id)

    return shown


def _stamp(ask: Ask) -> str:
    """Ties a page token to what was asked for."""
    asked = [
        ask.method.id,
        ask.text("q"),
        sorted(ask.texts("labelIds")),
        ask.text("includeSpamTrash"),
    ]
    return f"{int(hashlib.sha256(repr(asked).encode()).hexdigest()[:6], 16):08d}"


def start(ask: Ask) -> tuple[int, int] | None:
    token = ask.text("pageToken")
    if not token:
        return None
    if not token.isdecimal() or len(token) < 28 or token[:8] != _stamp(ask):  # noqa: PLR2004
        raise problems.invalid_argument("Invalid pageToken")
    return int(token[8:-20]), int(token[-20:])


def _token(ask: Ask, entry: Entry) -> str:
    return f"{_stamp(ask)}{entry.date}{entry.id:020d}"


def page(
    ask: Ask, entries: Iterator[Entry], name: str, show: Callable[[Entry], Any]
) -> dict[str, Any]:
    """The answer of a list. Without items the name is absent as well."""
    size = ask.page_size()
    found: list[Entry] = []
    more = False
    for entry in entries:
        if len(found) == size:
            more = True
            break
        found.append(entry)
    shown = [each for e in found for each in [show(e)] * (1 + ask.omissions.repeats(e.id))]
    answer: dict[str, Any] = {name: shown} if shown else {}
    if more:
        answer["nextPageToken"] = _token(ask, found[-1])
    answer["resultSizeEstimate"] = MOST_ESTIMATED if more else len(found)
    return answer


def messages(ask: Ask) -> dict[str, Any]:
    shown = filter_of(ask)
    matching = (entry for entry in ask.box.newest_first(start(ask)) if shown(entry))
    return page(ask, matching, "messages", reference)


def threads(ask: Ask) -> dict[str, Any]:
    """A thread stands where its newest matching message stands."""
    shown = filter_of(ask)

    def newest_of_their_thread() -> Iterator[Entry]:
        for entry in ask.box.newest_first(start(ask)):
            if not shown(entry):
                continue
            newer = (other for other in ask.box.thread(entry.thread_id) if _later(other, entry))
            if not any(shown(other) for other in newer):
                yield entry

    return page(ask, newest_of_their_thread(), "threads", lambda entry: _thread(ask, entry))


def _later(one: Entry, other: Entry) -> bool:
    return (one.date, one.id) > (other.date, other.id)


def _thread(ask: Ask, entry: Entry) -> dict[str, Any]:
    import orjson

    entries = ask.box.thread(entry.thread_id)
    return {
        "id": shown_id(entry.thread_id),
        "snippet": orjson.loads(ask.gallery.rendering(entries[-1]).snippet),
        "historyId": str(max(each.history_id for each in entries)),
    }


def reference(entry: Entry) -> dict[str, str]:
    return {"id": shown_id(entry.id), "threadId": shown_id(entry.thread_id)}
