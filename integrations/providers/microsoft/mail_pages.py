"""
Messages by pages: the properties of many in one request, and of single ones in batches.

Messages that were listed are asked for by the time between the oldest and the newest of some fifty.
Others have no common page, and come twenty to a batch. What a page misses, because other mail lies
between or a message was moved, comes in a batch as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from integrations.providers import errors
from integrations.providers.access import Access

from . import graph_message as reading
from .batch import call_in_batches
from .http import Outcome, Request, call_each, segment

Heads = Mapping[str, Mapping[str, Any]]
_Asked = Callable[[Sequence[Request]], list[Outcome]]

#: Messages that are asked for as one page. Large pages of Graph time out.
PAGE: Final = 50
# As many as the page may have: mail of other folders may lie between.
_PAGE_WITH_OTHERS: Final = 60
# Fewer are asked for one by one, in batches.
_LEAST_OF_PAGE: Final = 5
# After so many rounds the rest comes in batches: a page that is too large is halved each time.
_MOST_ROUNDS: Final = 8
# Of a page. A larger one is asked for in halves, so that a few large bodies fill no memory.
_PAGE_BYTES: Final = 12 * 1024 * 1024


@dataclass(slots=True)
class PageReader:
    """
    Reads the properties of messages.

    :param select: which
    :param expand: what else Graph is asked for; it is left out where Graph answers with 500
    :param request_count: requests that were sent, batches by their parts
    """

    access: Access
    select: str
    expand: str
    request_count: int = 0
    _expands: bool = field(default=True, init=False)

    def read(self, heads: Heads, unlisted: Sequence[str]) -> dict[str, Outcome]:
        """
        Return the properties of each message, or the error that it met, by id.

        :param heads: messages that were listed, by id
        :param unlisted: ids of others
        """
        found = self._read_pages(heads)
        rest = [one for one in (*heads, *unlisted) if one not in found]
        answers = self._ask(rest, self._single, self.batch)
        return found | dict(zip(rest, answers, strict=True))

    def batch(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return the answers to reads, twenty to a request."""
        self.request_count += len(requests)
        return call_in_batches(requests, self.access)

    def each(self, requests: Sequence[Request]) -> list[Outcome]:
        """Return the answers to reads, a request each."""
        self.request_count += len(requests)
        return call_each(requests, self.access)

    def query(self, **more: str) -> dict[str, str]:
        """Return what is asked of each message."""
        expand = {"$expand": self.expand} if self.expand and self._expands else {}
        return {"$select": self.select, **expand, **more}

    def _read_pages(self, heads: Heads) -> dict[str, Outcome]:
        """Return what pages bring of messages that were listed, or the errors that pages met."""
        found: dict[str, Outcome] = {}
        pages = list(_pages(heads, list(heads)))
        for _ in range(_MOST_ROUNDS):
            answers = self._ask(pages, lambda page: self._page(page, heads), self.each)
            left: list[Sequence[str]] = []
            for page, answer in zip(pages, answers, strict=True):
                left += _take(page, answer, found)
            pages = [one for some in left for one in _pages(heads, some)]
            if not pages:
                break
        return found

    def _ask(
        self, items: Sequence[Any], request: Callable[[Any], Request], send: _Asked
    ) -> list[Outcome]:
        """Return the answers; those that a request for `expand` broke are asked for without it."""
        answers = send([request(one) for one in items]) if items else []
        broken = [at for at, one in enumerate(answers) if _is_broken(one)]
        if not broken or not self.expand or not self._expands:
            return answers
        self._expands = False
        again = send([request(items[at]) for at in broken])
        for at, answer in zip(broken, again, strict=True):
            answers[at] = answer
        # It was not for what it was asked.
        self._expands = all(_is_broken(one) for one in again)
        return answers

    def _single(self, message_id: str) -> Request:
        path = f"/me/messages/{segment(message_id)}"
        return Request(path, self.query(), prefer=reading.BODY_TYPE)

    def _page(self, page: Sequence[str], heads: Heads) -> Request:
        moments = sorted(str(heads[one]["receivedDateTime"]) for one in page)
        # What it orders by comes first in the filter, as Graph wants it.
        between = f"receivedDateTime ge {moments[0]} and receivedDateTime le {moments[-1]}"
        asked = {
            "$filter": between,
            "$orderby": "receivedDateTime desc",
            "$top": str(_PAGE_WITH_OTHERS),
        }
        return Request(
            "/me/messages",
            self.query(**asked),
            prefer=reading.BODY_TYPE,
            most_bytes=_PAGE_BYTES,
        )


def _pages(heads: Heads, message_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids of messages that are asked for as one page, the newest first."""
    newest_first = sorted(
        message_ids, key=lambda one: str(heads[one]["receivedDateTime"]), reverse=True
    )
    for at in range(0, len(newest_first), PAGE):
        page = newest_first[at : at + PAGE]
        if len(page) >= _LEAST_OF_PAGE:
            yield page


def _take(page: Sequence[str], answer: Outcome, found: dict[str, Outcome]) -> list[Sequence[str]]:
    """Put what a page brought into `found`. Return what is left to be asked for as pages."""
    if isinstance(answer, errors.Rejected):
        half = len(page) // 2
        return [page[:half], page[half:]]
    if isinstance(answer, errors.ProviderError):
        found |= dict.fromkeys(page, answer)
        return []
    wanted = set(page)
    items = [one for one in reading.listed(answer) if one["id"] in wanted]
    found |= {str(one["id"]): dict(one) for one in items}
    # Much other mail lies between: another page would bring little.
    is_dense = 2 * len(items) >= len(page)
    return [[one for one in page if one not in found]] if is_dense else []


def _is_broken(answer: Outcome) -> bool:
    if not isinstance(answer, errors.Unavailable):
        return False
    return answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
