"""Free and busy, of people and of calendars, as the API answers it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from integrations.access.request_context import Asked

from . import busy_times, free_busy_query
from .free_busy_query import Question, Told

Shape = dict[str, Any]


def tell(asked: Asked, question: Question, *, envelope: Mapping[str, Any]) -> bytes:
    """
    Return when people and calendars are busy, as JSON, in the order in which they are asked for.

    Whoever is not known is unknown, and so is whoever shares nothing with the asker: the answer
    and the way to it are the same.

    :raises: what `free_busy_query.answer` raises
    """
    return free_busy_query.answer(
        asked, question, make=partial(_made, question=question, envelope=envelope)
    )


def _made(told: Told, *, question: Question, envelope: Mapping[str, Any]) -> Shape:
    return {
        **envelope,
        "start": question.start,
        "end": question.end,
        "timezone": question.zone,
        "data": [_person(told, one) for one in question.people],
        "calendars": [_calendar(told, one) for one in question.calendars],
    }


def _person(told: Told, user_id: UUID) -> Shape:
    calendars = told.by_person.get(user_id, ())
    return {
        "user_id": user_id,
        **busy_times.shown(told.person(user_id)),
        "calendars": [_calendar(told, one) for one in calendars],
    }


def _calendar(told: Told, calendar_id: UUID) -> Shape:
    return {"calendar_id": calendar_id, **busy_times.shown(told.calendar(calendar_id))}
