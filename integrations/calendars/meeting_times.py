"""
When people could meet: whoever has to be there, and of the others as many as may be.

Nothing is offered against what nobody can tell: with one unknown who has to be there, there is no
slot, and the answer says who that is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from integrations.almanac import expansion, slots
from integrations.almanac.expansion import Window
from integrations.almanac.intervals import Span
from integrations.almanac.slots import Hours, Meeting, Person
from integrations.asking import Asked
from integrations.calendars import busy
from integrations.calendars.busy import Question, Told

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


def find(asked: Asked, search: Search, *, envelope: Mapping[str, Any]) -> bytes:
    """
    Return when they could meet, in order, as JSON; nothing that has begun already.

    Of the first `slots.MOST_SLOTS` those are answered that most of the others can come to.

    :raises: what `busy.answer` raises
    """
    question = Question(
        people=[one.user_id for one in search.participants],
        # What ends just before, or begins just after, takes the time around a meeting.
        start=search.start - search.meeting.before,
        end=search.end + search.meeting.after,
        zone=search.zone,
        zones={one.user_id: one.hours.zone for one in search.participants if one.hours},
    )
    make = partial(_made, search=search, envelope=envelope, at=asked.at)
    return busy.answer(asked, question, make=make)


def _made(told: Told, *, search: Search, envelope: Mapping[str, Any], at: datetime) -> Shape:
    people = [
        (one, Person(told.person(one.user_id).taken, one.hours)) for one in search.participants
    ]
    start = max(search.start, at)
    found: tuple[Span, ...] = ()
    fits: dict[UUID, frozenset[Span]] = {}
    if start < search.end:
        window = expansion.window(start, search.end, zone=search.zone)
        found, fits = _found(people, search.meeting, window)
    return {
        **envelope,
        "start": search.start,
        "end": search.end,
        "timezone": search.zone,
        "data": [
            {"start": slot[0], "end": slot[1], "optional": _who(slot, fits)}
            for slot in _best(found, fits, search.meeting.most)
        ],
        "participants": [
            {
                "user_id": one.user_id,
                "required": one.is_required,
                "status": "unknown" if person.taken is None else "known",
            }
            for one, person in people
        ],
    }


def _found(
    people: Sequence[tuple[Participant, Person]], meeting: Meeting, window: Window
) -> tuple[tuple[Span, ...], dict[UUID, frozenset[Span]]]:
    required = [person for one, person in people if one.is_required]
    every = replace(meeting, most=slots.MOST_SLOTS)
    found = slots.find(every, required, window)
    fits = {
        one.user_id: slots.fitting(found, meeting, person, window)
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
