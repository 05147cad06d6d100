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
from integrations.access.cross_user_lookups import SharePartner
from integrations.access.request_context import RequestContext
from integrations.models.calendar import CalendarRole

from . import agenda
from .calendar_access import VisibleCalendar


@dataclass(frozen=True, slots=True)
class FreeBusyAccess:
    """
    What the asker may look at.

    :param by_person: calendars that say when somebody has time: those that they own where they
        come from. A colleague's or a team's that they only follow says nothing of themselves
    :param by_id: every calendar, whoever's
    """

    by_person: Mapping[UUID, Sequence[VisibleCalendar]]
    by_id: Mapping[UUID, VisibleCalendar]

    def select_calendars(
        self, people: Iterable[UUID], calendar_ids: Iterable[UUID] = ()
    ) -> list[VisibleCalendar]:
        """Return the calendars that are needed to answer for these, each once."""
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
    """Return what the asker may look at now."""
    calendars = agenda.get_visible_calendars(context)
    by_person: dict[UUID, list[VisibleCalendar]] = {}
    for visible in calendars:
        if visible.calendar.role == CalendarRole.OWNER:
            by_person.setdefault(visible.calendar.user_id, []).append(visible)
    return FreeBusyAccess(by_person, {visible.calendar.id: visible for visible in calendars})


def list_colleagues(context: RequestContext) -> Mapping[UUID, SharePartner]:
    """Return who shares with the asker a calendar that says when they have time, by id."""
    people = set(get_free_busy_access(context).by_person) - {context.user_id}
    partners = (
        cross_user_lookups.find_share_partners(context.user_id, context.actor.organisation_id)
        if people
        else {}
    )
    return {person: partners[person] for person in sorted(people) if person in partners}


def refuse_strangers(context: RequestContext, people: Collection[UUID]) -> None:
    """
    Refuse a feature that asks for others than the one it acts for.

    :raises limited_use.guard.guard.AccessRefused: whoever the others are, or if they are nobody
    """
    if any(person != context.user_id for person in people):
        calendar_permits.refuse_client_for_others(actor=context.actor, at=context.at)
