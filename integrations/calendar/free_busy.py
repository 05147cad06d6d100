from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from integrations.access.request_context import RequestContext

from . import busy_times, free_busy_query
from .free_busy_query import FreeBusyQuery, FreeBusyResult

JsonObject = dict[str, Any]


def get_free_busy_json(
    context: RequestContext, query: FreeBusyQuery, *, envelope: Mapping[str, Any]
) -> bytes:
    """
    Return busy times in the order of the request.

    An unknown id and a person who shares nothing with the actor get the same response by the same
    path.

    :raises: see `free_busy_query.answer_query`
    """
    return free_busy_query.answer_query(
        context, query, make=partial(_serialize_result, question=query, envelope=envelope)
    )


def _serialize_result(
    result: FreeBusyResult, *, question: FreeBusyQuery, envelope: Mapping[str, Any]
) -> JsonObject:
    return {
        **envelope,
        "start": question.start,
        "end": question.end,
        "timezone": question.zone,
        "data": [_serialize_person(result, user_id) for user_id in question.people],
        "calendars": [
            _serialize_calendar(result, calendar_id) for calendar_id in question.calendars
        ],
    }


def _serialize_person(result: FreeBusyResult, user_id: UUID) -> JsonObject:
    calendar_ids = result.calendars_by_person.get(user_id, ())
    return {
        "user_id": user_id,
        **busy_times.serialize_busy_times(result.get_person(user_id)),
        "calendars": [_serialize_calendar(result, calendar_id) for calendar_id in calendar_ids],
    }


def _serialize_calendar(result: FreeBusyResult, calendar_id: UUID) -> JsonObject:
    return {
        "calendar_id": calendar_id,
        **busy_times.serialize_busy_times(result.get_calendar(calendar_id)),
    }
