"""
Find times at which all required people can meet, and many optional ones.

Unknown time is never offered: if a required person is unknown, there is no slot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from integrations.access.person_references import PersonReference
from integrations.access.request_context import RequestContext
from integrations.formats.recurrence import meeting_slots, recurrence_expansion
from integrations.formats.recurrence.meeting_slots import MeetingPerson, MeetingRequest, WeeklyHours
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.time_intervals import Span

from . import free_busy_query
from .free_busy_query import CalendarSink, FreeBusyQuery, FreeBusyResult

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MeetingParticipant:
    """Days in their calendars begin in the zone of `hours`, if known."""

    user_id: UUID
    is_required: bool
    hours: WeeklyHours | None


@dataclass(frozen=True, slots=True)
class MeetingSearch:
    """
    :param meeting: its `most` limits the number of slots
    :param start: aware, like `end`; both in the supported years
    :param zone: an IANA name: slots begin at full steps in this zone
    """

    meeting: MeetingRequest
    participants: Sequence[MeetingParticipant]
    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class MeetingOptions:
    """
    :param slots: in order, each with the optional people who can come; none has begun
    :param unknown_people: if one is required, there are no slots
    """

    slots: Sequence[tuple[Span, Sequence[UUID]]]
    unknown_people: frozenset[UUID]


def get_meeting_times_json(
    context: RequestContext,
    search: MeetingSearch,
    *,
    people: Sequence[PersonReference],
    envelope: Mapping[str, Any],
) -> bytes:
    """:param people: the participants of `search`, as the request names them"""
    return find_meeting_times(
        context,
        search,
        make=partial(_serialize_options, search=search, people=people, envelope=envelope),
    )


def find_meeting_times(
    context: RequestContext,
    search: MeetingSearch,
    *,
    make: Callable[[MeetingOptions], Any],
    output_sink: CalendarSink | None = None,
) -> bytes:
    """
    Pass to `make` those of the first slots that most optional people can attend.

    For `output_sink` and errors see `free_busy_query.answer_query`.
    """
    query = FreeBusyQuery(
        people=[participant.user_id for participant in search.participants],
        # Events just outside of the window conflict with the buffers of a meeting.
        start=search.start - search.meeting.before,
        end=search.end + search.meeting.after,
        zone=search.zone,
        zones={
            participant.user_id: participant.hours.zone
            for participant in search.participants
            if participant.hours
        },
    )
    return free_busy_query.answer_query(
        context,
        query,
        make=lambda result: make(_compute_options(result, search, context.at)),
        output_sink=output_sink,
    )


def _compute_options(result: FreeBusyResult, search: MeetingSearch, at: datetime) -> MeetingOptions:
    participants = [
        (
            participant,
            MeetingPerson(result.get_person(participant.user_id).all_busy, participant.hours),
        )
        for participant in search.participants
    ]
    start = max(search.start, at)
    slots: tuple[Span, ...] = ()
    slots_by_person: dict[UUID, frozenset[Span]] = {}
    if start < search.end:
        window = recurrence_expansion.make_time_window(start, search.end, zone=search.zone)
        slots, slots_by_person = _find_slots(participants, search.meeting, window)
    return MeetingOptions(
        [
            (slot, _list_attendees(slot, slots_by_person))
            for slot in _select_best_slots(slots, slots_by_person, search.meeting.most)
        ],
        frozenset(
            participant.user_id for participant, person in participants if person.busy is None
        ),
    )


def _serialize_options(
    options: MeetingOptions,
    *,
    search: MeetingSearch,
    people: Sequence[PersonReference],
    envelope: Mapping[str, Any],
) -> JsonObject:
    return {
        **envelope,
        "start": search.start,
        "end": search.end,
        "timezone": search.zone,
        "data": [
            {"start": start, "end": end, "optional": optional}
            for (start, end), optional in options.slots
        ],
        "participants": [
            {
                "person": person.named,
                "user_id": person.user_id,
                "platform_id": person.platform_id,
                "required": participant.is_required,
                "status": "unknown" if participant.user_id in options.unknown_people else "known",
            }
            for participant, person in zip(search.participants, people, strict=True)
        ],
    }


def _find_slots(
    people: Sequence[tuple[MeetingParticipant, MeetingPerson]],
    meeting: MeetingRequest,
    window: TimeWindow,
) -> tuple[tuple[Span, ...], dict[UUID, frozenset[Span]]]:
    required = [person for participant, person in people if participant.is_required]
    unlimited = replace(meeting, most=meeting_slots.MAX_SLOTS)
    slots = meeting_slots.find_slots(unlimited, required, window)
    slots_by_person = {
        participant.user_id: meeting_slots.filter_slots(slots, meeting, person, window)
        for participant, person in people
        if not participant.is_required
    }
    return slots, slots_by_person


def _list_attendees(slot: Span, slots_by_person: Mapping[UUID, frozenset[Span]]) -> list[UUID]:
    return [user_id for user_id, person_slots in slots_by_person.items() if slot in person_slots]


def _select_best_slots(
    slots: Sequence[Span], slots_by_person: Mapping[UUID, frozenset[Span]], max_slots: int
) -> Sequence[Span]:
    """Of equal slots, prefer the earlier."""
    ranked = sorted(slots, key=lambda slot: (-len(_list_attendees(slot, slots_by_person)), slot))
    return sorted(ranked[:max_slots])
