"""
When people could meet: whoever has to be there, and of the others as many as may be.

Nothing is offered against what nobody can tell: with one unknown who has to be there, there is no
slot, and the answer says who that is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from integrations.access.request_context import RequestContext
from integrations.formats.recurrence import expansion, meeting_slots
from integrations.formats.recurrence.expansion import TimeWindow
from integrations.formats.recurrence.intervals import Span
from integrations.formats.recurrence.meeting_slots import MeetingPerson, MeetingRequest, WeeklyHours

from . import free_busy_query
from .free_busy_query import CalendarSink, FreeBusyQuery, FreeBusyResult

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class MeetingParticipant:
    """Days in their calendars begin on the clocks of their hours, where those are known."""

    user_id: UUID
    is_required: bool
    hours: WeeklyHours | None


@dataclass(frozen=True, slots=True)
class MeetingSearch:
    """
    What is looked for, of whom, and when.

    :param meeting: `most` is how many slots are answered
    :param start: aware; so is `end`. Both lie where a calendar reaches
    :param zone: an IANA name: on whose clocks slots begin at full steps
    """

    meeting: MeetingRequest
    participants: Sequence[MeetingParticipant]
    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class MeetingOptions:
    """
    When they could meet, in order, nothing that has begun already.

    :param times: each with who can come of those who do not have to
    :param unknown: of whom nobody can tell: with one who has to be there, there are no times
    """

    slots: Sequence[tuple[Span, Sequence[UUID]]]
    unknown_people: frozenset[UUID]


def get_meeting_times_json(
    context: RequestContext, search: MeetingSearch, *, envelope: Mapping[str, Any]
) -> bytes:
    """Return when they could meet as JSON. See `offer`."""
    return find_meeting_times(
        context, search, make=partial(_serialize_options, search=search, envelope=envelope)
    )


def find_meeting_times(
    context: RequestContext,
    search: MeetingSearch,
    *,
    make: Callable[[MeetingOptions], Any],
    output_sink: CalendarSink | None = None,
) -> bytes:
    """
    Return what `make` makes of when they could meet; see `free_busy_query.answer`, of `into` as
    well.

    Of the first `meeting_slots.MOST_SLOTS` those are offered that most of the others can come to.

    :raises: what `free_busy_query.answer` raises
    """
    query = FreeBusyQuery(
        people=[participant.user_id for participant in search.participants],
        # What ends just before, or begins just after, takes the time around a meeting.
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
        window = expansion.make_window(start, search.end, zone=search.zone)
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
    options: MeetingOptions, *, search: MeetingSearch, envelope: Mapping[str, Any]
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
                "user_id": participant.user_id,
                "required": participant.is_required,
                "status": "unknown" if participant.user_id in options.unknown_people else "known",
            }
            for participant in search.participants
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
    """Return the slots that most can come to, the earlier ones of those that as many can."""
    ranked = sorted(slots, key=lambda slot: (-len(_list_attendees(slot, slots_by_person)), slot))
    return sorted(ranked[:max_slots])
