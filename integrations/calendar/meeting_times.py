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

from integrations.access.request_context import Asked
from integrations.formats.recurrence import expansion, meeting_slots
from integrations.formats.recurrence.expansion import Window
from integrations.formats.recurrence.intervals import Span
from integrations.formats.recurrence.meeting_slots import Hours, Meeting, Person

from . import free_busy_query
from .free_busy_query import Question, Sink, Told

Shape = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Participant:
    """Days in their calendars begin on the clocks of their hours, where those are known."""

    user_id: UUID
    is_required: bool
    hours: Hours | None


@dataclass(frozen=True, slots=True)
class Search:
    """
    What is looked for, of whom, and when.

    :param meeting: `most` is how many slots are answered
    :param start: aware; so is `end`. Both lie where a calendar reaches
    :param zone: an IANA name: on whose clocks slots begin at full steps
    """

    meeting: Meeting
    participants: Sequence[Participant]
    start: datetime
    end: datetime
    zone: str


@dataclass(frozen=True, slots=True)
class Offer:
    """
    When they could meet, in order, nothing that has begun already.

    :param times: each with who can come of those who do not have to
    :param unknown: of whom nobody can tell: with one who has to be there, there are no times
    """

    times: Sequence[tuple[Span, Sequence[UUID]]]
    unknown: frozenset[UUID]


def find(asked: Asked, search: Search, *, envelope: Mapping[str, Any]) -> bytes:
    """Return when they could meet as JSON. See `offer`."""
    return offer(asked, search, make=partial(_shape, search=search, envelope=envelope))


def offer(
    asked: Asked,
    search: Search,
    *,
    make: Callable[[Offer], Any],
    into: Sink | None = None,
) -> bytes:
    """
    Return what `make` makes of when they could meet; see `free_busy_query.answer`, of `into` as
    well.

    Of the first `meeting_slots.MOST_SLOTS` those are offered that most of the others can come to.

    :raises: what `free_busy_query.answer` raises
    """
    question = Question(
        people=[one.user_id for one in search.participants],
        # What ends just before, or begins just after, takes the time around a meeting.
        start=search.start - search.meeting.before,
        end=search.end + search.meeting.after,
        zone=search.zone,
        zones={one.user_id: one.hours.zone for one in search.participants if one.hours},
    )
    return free_busy_query.answer(
        asked, question, make=lambda told: make(_offered(told, search, asked.at)), into=into
    )


def _offered(told: Told, search: Search, at: datetime) -> Offer:
    people = [
        (one, Person(told.person(one.user_id).taken, one.hours)) for one in search.participants
    ]
    start = max(search.start, at)
    found: tuple[Span, ...] = ()
    fits: dict[UUID, frozenset[Span]] = {}
    if start < search.end:
        window = expansion.window(start, search.end, zone=search.zone)
        found, fits = _found(people, search.meeting, window)
    return Offer(
        [(slot, _who(slot, fits)) for slot in _best(found, fits, search.meeting.most)],
        frozenset(one.user_id for one, person in people if person.taken is None),
    )


def _shape(found: Offer, *, search: Search, envelope: Mapping[str, Any]) -> Shape:
    return {
        **envelope,
        "start": search.start,
        "end": search.end,
        "timezone": search.zone,
        "data": [
            {"start": start, "end": end, "optional": optional}
            for (start, end), optional in found.times
        ],
        "participants": [
            {
                "user_id": one.user_id,
                "required": one.is_required,
                "status": "unknown" if one.user_id in found.unknown else "known",
            }
            for one in search.participants
        ],
    }


def _found(
    people: Sequence[tuple[Participant, Person]], meeting: Meeting, window: Window
) -> tuple[tuple[Span, ...], dict[UUID, frozenset[Span]]]:
    required = [person for one, person in people if one.is_required]
    every = replace(meeting, most=meeting_slots.MOST_SLOTS)
    found = meeting_slots.find(every, required, window)
    fits = {
        one.user_id: meeting_slots.fitting(found, meeting, person, window)
        for one, person in people
        if not one.is_required
    }
    return found, fits


def _who(slot: Span, fits: Mapping[UUID, frozenset[Span]]) -> list[UUID]:
    return [user_id for user_id, theirs in fits.items() if slot in theirs]


def _best(found: Sequence[Span], fits: Mapping[UUID, frozenset[Span]], most: int) -> Sequence[Span]:
    """Return the slots that most can come to, the earlier ones of those that as many can."""
    ranked = sorted(found, key=lambda slot: (-len(_who(slot, fits)), slot))
    return sorted(ranked[:most])
