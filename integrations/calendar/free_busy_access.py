"""
Who is asked about, and by which calendars anything can be told of them.

Found from the asker's side alone: what is theirs, and what names them. An id that is nobody's, a
stranger's and a colleague's who shares nothing are never looked up, so they are one and the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from integrations.access import calendar_permits, cross_user_lookups
from integrations.access.cross_user_lookups import Partner
from integrations.access.request_context import Asked
from integrations.models.calendar import CalendarRole

from . import agenda
from .calendar_access import Visible


@dataclass(frozen=True, slots=True)
class Circle:
    """
    What the asker may look at.

    :param by_person: calendars that say when somebody has time: those that they own where they
        come from. A colleague's or a team's that they only follow says nothing of themselves
    :param by_id: every calendar, whoever's
    """

    by_person: Mapping[UUID, Sequence[Visible]]
    by_id: Mapping[UUID, Visible]

    def of(self, people: Iterable[UUID], calendars: Iterable[UUID] = ()) -> list[Visible]:
        """Return the calendars that are needed to answer for these, each once."""
        wanted = {
            one.calendar.id: one for person in people for one in self.by_person.get(person, ())
        }
        for calendar_id in calendars:
            if calendar_id in self.by_id:
                wanted[calendar_id] = self.by_id[calendar_id]
        return list(wanted.values())


def around(asked: Asked) -> Circle:
    """Return what the asker may look at now."""
    found = agenda.everything(asked)
    by_person: dict[UUID, list[Visible]] = {}
    for one in found:
        if one.calendar.role == CalendarRole.OWNER:
            by_person.setdefault(one.calendar.user_id, []).append(one)
    return Circle(by_person, {one.calendar.id: one for one in found})


def colleagues(asked: Asked) -> Mapping[UUID, Partner]:
    """Return who shares with the asker a calendar that says when they have time, by id."""
    people = set(around(asked).by_person) - {asked.user_id}
    partners = (
        cross_user_lookups.find_partners(asked.user_id, asked.actor.organisation_id)
        if people
        else {}
    )
    return {person: partners[person] for person in sorted(people) if person in partners}


def refuse_strangers(asked: Asked, people: Collection[UUID]) -> None:
    """
    Refuse a feature that asks for others than the one it acts for.

    :raises limited_use.guard.guard.Refused: whoever the others are, or if they are nobody
    """
    if any(person != asked.user_id for person in people):
        calendar_permits.refuse_for_others(actor=asked.actor, at=asked.at)
