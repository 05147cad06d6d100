from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from integrations.access.person_references import PersonReference
from integrations.access.request_context import RequestContext

from . import busy_times, free_busy_query
from .free_busy_query import FreeBusyQuery, FreeBusyResult

JsonObject = dict[str, Any]


def get_free_busy_json(
    context: RequestContext,
    query: FreeBusyQuery,
    *,
    people: Sequence[PersonReference],
    envelope: Mapping[str, Any],
) -> bytes:
    """
    Return busy times in the order of the request.

    An unknown id and a person who shares nothing with the actor get the same response by the same
    path.

    :param people: those of `query`, as the request names them
    :raises: see `free_busy_query.answer_query`
    """
    return free_busy_query.answer_query(
        context,
        query,
        make=partial(_serialize_result, question=query, people=people, envelope=envelope),
    )


def _serialize_result(
    result: FreeBusyResult,
    *,
    question: FreeBusyQuery,
    people: Sequence[PersonReference],
    envelope: Mapping[str, Any],
) -> JsonObject:
    return {
        **envelope,
        "start": question.start,
        "end": question.end,
        "timezone": question.zone,
        "data": [_serialize_person(result, person) for person in people],
        "calendars": [
            _serialize_calendar(result, calendar_id) for calendar_id in question.calendars
        ],
    }


def _serialize_person(result: FreeBusyResult, person: PersonReference) -> JsonObject:
    calendar_ids = result.calendars_by_person.get(person.key, ())
    return {
        "person": person.named,
        "user_id": person.user_id,
        "platform_id": person.platform_id,
        **busy_times.serialize_busy_times(result.get_person(person.key)),
        "calendars": [_serialize_calendar(result, calendar_id) for calendar_id in calendar_ids],
    }


def _serialize_calendar(result: FreeBusyResult, calendar_id: UUID) -> JsonObject:
    return {
        "calendar_id": calendar_id,
        **busy_times.serialize_busy_times(result.get_calendar(calendar_id)),
    }
