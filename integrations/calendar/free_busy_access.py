"""
The calendars by which the actor may learn people's busy times.

Only own calendars and shares that name the actor are looked up, so unknown ids and colleagues who
share nothing are the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from integrations.access import calendar_permits, cross_user_lookups
from integrations.access.cross_user_lookups import SharePartner
from integrations.access.request_context import RequestContext
from integrations.models.calendar import CalendarRole

from . import agenda
from .calendar_access import VisibleCalendar


@dataclass(frozen=True, slots=True)
class FreeBusyAccess:
    """
    :param by_person: calendars with the role `owner` at their source; a calendar that a person
        only follows says nothing about that person
    :param by_id: all visible calendars
    """

    by_person: Mapping[UUID, Sequence[VisibleCalendar]]
    by_id: Mapping[UUID, VisibleCalendar]

    def select_calendars(
        self, people: Iterable[UUID], calendar_ids: Iterable[UUID] = ()
    ) -> list[VisibleCalendar]:
        """Return each needed calendar once."""
        selected = {
            visible.calendar.id: visible
            for person in people
            for visible in self.by_person.get(person, ())
        }
        for calendar_id in calendar_ids:
            if calendar_id in self.by_id:
                selected[calendar_id] = self.by_id[calendar_id]
        return list(selected.values())


def get_free_busy_access(context: RequestContext) -> FreeBusyAccess:
    calendars = agenda.get_visible_calendars(context)
    by_person: dict[UUID, list[VisibleCalendar]] = {}
    for visible in calendars:
        if visible.calendar.role == CalendarRole.OWNER:
            by_person.setdefault(visible.calendar.user_id, []).append(visible)
    return FreeBusyAccess(by_person, {visible.calendar.id: visible for visible in calendars})


def list_colleagues(context: RequestContext) -> Mapping[UUID, SharePartner]:
    """Return the people, by id, who share with the actor a calendar that speaks for them."""
    people = set(get_free_busy_access(context).by_person) - {context.user_id}
    partners = (
        cross_user_lookups.find_share_partners(context.user_id, context.actor.organisation_id)
        if people
        else {}
    )
    return {person: partners[person] for person in sorted(people) if person in partners}


def refuse_strangers(context: RequestContext, people: Collection[UUID]) -> None:
    """
    Let a feature ask only for the person it acts for.

    :raises limited_use.guard.guard.AccessRefused:
    """
    if any(person != context.user_id for person in people):
        calendar_permits.refuse_client_for_others(actor=context.actor, at=context.at)
