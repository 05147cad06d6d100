"""
Check that people are free, at the time of the write.

A race for a slot stays possible: no provider has a conditional write on free time.
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
from integrations.calendar.messages import event_fields as messages
from integrations.formats.event_content import EventContent

from .event_validation import BadEventDraft
from .write_errors import EventSlotTaken


def require_free(context: RequestContext, people: Sequence[UUID], content: EventContent) -> None:
    """
    Sync the people's calendars, then check the whole event.

    A person with an unknown calendar, or a tentative event, is not free.

    :raises EventSlotTaken:
    :raises BadEventDraft: for an all-day event or a series: too expensive to check
    :raises: see `free_busy_query.answer_query`
    """
    start, end = _require_times(content)
    query = FreeBusyQuery(people=people, start=start, end=end, zone="UTC", is_live=True)
    answer = free_busy_query.answer_query(context, query, make=partial(_are_free, people=people))
    if not orjson.loads(answer):
        raise EventSlotTaken


def _require_times(content: EventContent) -> tuple[datetime, datetime]:
    start, end = content.start.at, content.end.at
    if start is None or end is None or content.recurrence:
        raise BadEventDraft({"require_free": messages.CHECKS_SINGLE_EVENTS})
    return start, end


def _are_free(free_busy: FreeBusyResult, *, people: Sequence[UUID]) -> bool:
    return all(free_busy.get_person(user_id).all_busy == () for user_id in people)
