"""
Whether people are free for an event, checked when the event is written.

The check shortens the time in which somebody else can take the slot, and cannot end it: no
provider writes on condition that people are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson

from integrations.access.request_context import RequestContext
from integrations.calendar import free_busy_query
from integrations.calendar.free_busy_query import FreeBusyQuery, FreeBusyResult
from integrations.formats.event import EventContent

from .errors import SlotTaken
from .validation import BadDraft


def require_free(context: RequestContext, people: Sequence[UUID], content: EventContent) -> None:
    """
    Check that people are free for the whole event.

    Their calendars are synchronised first, however fresh the caches are. A person whose calendar
    is unknown, or who is tentatively elsewhere, is not free.

    :raises Taken: if one of them is not free
    :raises BadDraft: if the event is an all-day event or a series: too much to check
    :raises: what `free_busy_query.answer` raises
    """
    start, end = _require_times(content)
    query = FreeBusyQuery(people=people, start=start, end=end, zone="UTC", is_live=True)
    answer = free_busy_query.answer_query(context, query, make=partial(_are_free, people=people))
    if not orjson.loads(answer):
        raise SlotTaken


def _require_times(content: EventContent) -> tuple[datetime, datetime]:
    start, end = content.start.at, content.end.at
    if start is None or end is None or content.recurrence:
        raise BadDraft({"require_free": "Only for an event at a time, and that does not repeat."})
    return start, end


def _are_free(free_busy: FreeBusyResult, *, people: Sequence[UUID]) -> bool:
    return all(free_busy.get_person(user_id).all_busy == () for user_id in people)
