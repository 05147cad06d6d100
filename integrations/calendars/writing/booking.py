"""
Whether people have time for an event, looked at anew at the moment that it is written.

What lies between the look and the write is not excluded, only short: no provider writes on
condition that somebody is free.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import orjson

from integrations.asking import Asked
from integrations.calendars import busy
from integrations.calendars.busy import Question, Told
from integrations.event_shapes import EventContent

from .checking import BadDraft
from .errors import Taken


def check(asked: Asked, people: Sequence[UUID], content: EventContent) -> None:
    """
    See that people are free for all of an event.

    Their copies are brought in anew, whatever their age, and waited for as a page waits. Whoever
    is unknown, or may come somewhere else then, is not free.

    :raises Taken: if one of them is not
    :raises BadDraft: if it is of days, or repeats: whether that is free is too much to promise
    :raises: what `busy.answer` raises
    """
    start, end = _span(content)
    question = Question(people=people, start=start, end=end, zone="UTC", is_live=True)
    answer = busy.answer(asked, question, make=partial(_are_free, people=people))
    if not orjson.loads(answer):
        raise Taken


def _span(content: EventContent) -> tuple[datetime, datetime]:
    start, end = content.start.at, content.end.at
    if start is None or end is None or content.recurrence:
        raise BadDraft({"require_free": "Only for an event at a time, and that does not repeat."})
    return start, end


def _are_free(told: Told, *, people: Sequence[UUID]) -> bool:
    return all(told.person(one).taken == () for one in people)
