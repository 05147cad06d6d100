"""
Properties of messages, in pages of fifty and batches of twenty.

A page is requested by the time between its oldest and newest message. Unlisted messages, and
those that a page misses because other mail lies between, take batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess

from . import graph_message
from .graph_batch import send_in_batches
from .graph_http import GraphApiRequest, GraphOutcome, quote_segment, send_graph_reads

Heads = Mapping[str, Mapping[str, Any]]
_SendRequests = Callable[[Sequence[GraphApiRequest]], list[GraphOutcome]]

#: Messages per page. Large pages time out at Graph.
PAGE_SIZE: Final = 50
# The maximum of the page: mail of other folders may lie between.
_PAGE_LIMIT: Final = 60
# Fewer messages take batches.
_MIN_PAGE_SIZE: Final = 5
# After this many rounds the rest takes batches: a page that is too large is halved each time.
_MAX_ROUNDS: Final = 8
# Per page. A larger one is halved, so that a few large bodies cannot fill the memory.
_PAGE_BYTES: Final = 12 * 1024 * 1024


@dataclass(slots=True)
class GraphMessagePageReader:
    """
    :param expand: extended properties; omitted once Graph answers them with 500
    :param request_count: counts each part of a batch
    """

    access: ProviderAccess
    select: str
    expand: str
    request_count: int = 0
    _expands: bool = field(default=True, init=False)

    def read_properties(self, heads: Heads, unlisted: Sequence[str]) -> dict[str, GraphOutcome]:
        outcomes = self._read_pages(heads)
        rest = [message_id for message_id in (*heads, *unlisted) if message_id not in outcomes]
        answers = self._send_with_fallback(rest, self._build_single_request, self.send_batch)
        return outcomes | dict(zip(rest, answers, strict=True))

    def send_batch(self, requests: Sequence[GraphApiRequest]) -> list[GraphOutcome]:
        self.request_count += len(requests)
        return send_in_batches(requests, self.access)

    def send_each(self, requests: Sequence[GraphApiRequest]) -> list[GraphOutcome]:
        self.request_count += len(requests)
        return send_graph_reads(requests, self.access)

    def build_query(self, **extra: str) -> dict[str, str]:
        expand = {"$expand": self.expand} if self.expand and self._expands else {}
        return {"$select": self.select, **expand, **extra}

    def _read_pages(self, heads: Heads) -> dict[str, GraphOutcome]:
        outcomes: dict[str, GraphOutcome] = {}
        pages = list(_split_pages(heads, list(heads)))
        for _ in range(_MAX_ROUNDS):
            answers = self._send_with_fallback(
                pages, lambda page: self._build_page_request(page, heads), self.send_each
            )
            remaining: list[Sequence[str]] = []
            for page, answer in zip(pages, answers, strict=True):
                remaining += _collect_page(page, answer, outcomes)
            pages = [
                next_page
                for message_ids in remaining
                for next_page in _split_pages(heads, message_ids)
            ]
            if not pages:
                break
        return outcomes

    def _send_with_fallback(
        self,
        items: Sequence[Any],
        build_request: Callable[[Any], GraphApiRequest],
        send: _SendRequests,
    ) -> list[GraphOutcome]:
        """Repeat requests that failed because of `expand` without it."""
        answers = send([build_request(item) for item in items]) if items else []
        broken = [position for position, outcome in enumerate(answers) if _is_broken(outcome)]
        if not broken or not self.expand or not self._expands:
            return answers
        self._expands = False
        retried = send([build_request(items[position]) for position in broken])
        for position, answer in zip(broken, retried, strict=True):
            answers[position] = answer
        # If the retry failed as well, `expand` was not the cause.
        self._expands = all(_is_broken(outcome) for outcome in retried)
        return answers

    def _build_single_request(self, message_id: str) -> GraphApiRequest:
        path = f"/me/messages/{quote_segment(message_id)}"
        return GraphApiRequest(path, self.build_query(), prefer=graph_message.BODY_TYPE)

    def _build_page_request(self, page: Sequence[str], heads: Heads) -> GraphApiRequest:
        times = sorted(str(heads[message_id]["receivedDateTime"]) for message_id in page)
        # Graph requires the ordered property first in the filter.
        time_filter = f"receivedDateTime ge {times[0]} and receivedDateTime le {times[-1]}"
        parameters = {
            "$filter": time_filter,
            "$orderby": "receivedDateTime desc",
            "$top": str(_PAGE_LIMIT),
        }
        return GraphApiRequest(
            "/me/messages",
            self.build_query(**parameters),
            prefer=graph_message.BODY_TYPE,
            max_bytes=_PAGE_BYTES,
        )


def _split_pages(heads: Heads, message_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    newest_first = sorted(
        message_ids, key=lambda message_id: str(heads[message_id]["receivedDateTime"]), reverse=True
    )
    for at in range(0, len(newest_first), PAGE_SIZE):
        page = newest_first[at : at + PAGE_SIZE]
        if len(page) >= _MIN_PAGE_SIZE:
            yield page


def _collect_page(
    page: Sequence[str], answer: GraphOutcome, outcomes: dict[str, GraphOutcome]
) -> list[Sequence[str]]:
    """Return the ids to request as further pages."""
    if isinstance(answer, errors.Rejected):
        middle = len(page) // 2
        return [page[:middle], page[middle:]]
    if isinstance(answer, errors.ProviderError):
        outcomes |= dict.fromkeys(page, answer)
        return []
    page_ids = set(page)
    items = [item for item in graph_message.list_messages(answer) if item["id"] in page_ids]
    outcomes |= {str(item["id"]): dict(item) for item in items}
    # Otherwise too much other mail lies between for another page.
    is_dense = 2 * len(items) >= len(page)
    return [[message_id for message_id in page if message_id not in outcomes]] if is_dense else []


def _is_broken(answer: GraphOutcome) -> bool:
    if not isinstance(answer, errors.Unavailable):
        return False
    return answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
