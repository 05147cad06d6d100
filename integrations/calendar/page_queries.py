"""
What a page shows of calendars: what happens in a window and what each one is called.

Decided in one question for both. Whoever looks does not wait: what is asked for at a provider is
among `coming`, and the page says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from integrations.access import calendar_permits, cross_user_lookups
from integrations.access.calendar_permits import Wanted
from integrations.access.request_context import Asked
from integrations.formats.recurrence.expansion import Window
from integrations.models import Integration, IntegrationStatus
from limited_use.policy.vocabulary import DataClass
from limited_use.sinks.rows import Permits, Row

from . import agenda, event_lookup, event_rows, refresh_on_read
from .calendar_access import Visible
from .event_lookup import EventId


@dataclass(frozen=True, slots=True)
class Look:
    """
    Rows for a sink: first one for each calendar, then what happens.

    :param found: every calendar there is for them, chosen or not
    :param chosen: those that they want to see
    :param shown: of these, whose events are among the rows
    :param withheld: of these, which whoever shares them may not show now
    :param coming: of these, which have been asked for at their provider
    :param sharers: who shares with them, by user id
    """

    rows: Sequence[Row]
    permits: Permits
    found: Sequence[Visible]
    chosen: Sequence[Visible]
    shown: Sequence[Visible]
    withheld: Sequence[Visible]
    coming: Sequence[Visible]
    sharers: Mapping[UUID, str]

    @property
    def lost(self) -> list[Visible]:
        """What was chosen, is too old to be shown, and is not on its way either."""
        there = (*self.shown, *self.withheld, *self.coming)
        return [one for one in self.chosen if one not in there]


def look(asked: Asked, inside: Window, *, hidden: Collection[UUID]) -> Look:
    """
    Return what there is to see in the window.

    :param hidden: calendars of others that they do not want to see now
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    found = agenda.everything(asked)
    chosen = [one for one in found if is_chosen(one, hidden)]
    coming = refresh_on_read.ask(chosen, at=asked.at)
    current = [one for one in chosen if one.is_current(asked.at)]
    events = event_rows.of_window(current, start=inside.start, end=inside.end, details=True)
    named = [one for one in found if _is_named(one, asked)]
    wanted = [*_events(current, events), *_names(named, current)]
    permits = calendar_permits.to_view_apart(actor=asked.actor, wanted=wanted, at=asked.at)
    shown = [one for one in current if _allowed(permits, one)]
    may = {one.calendar.id for one in shown}
    return Look(
        [
            *_named_rows(found, named, permits),
            *(one for one in events if one.row.seen.calendar.id in may),
        ],
        permits,
        found,
        chosen,
        shown,
        [one for one in current if one not in shown],
        coming,
        _sharers(found, asked),
    )


@dataclass(frozen=True, slots=True)
class OneEvent:
    """
    Rows for a sink: first one for each calendar, then the event with all that hangs on it.

    :param seen: the calendar it is in
    :param found: every calendar there is for them, in the order of their rows
    """

    rows: Sequence[Row]
    permits: Permits
    seen: Visible
    found: Sequence[Visible]
    sharer: str


def event(asked: Asked, name: EventId) -> OneEvent:
    """
    Return one event beside what the calendars are called, in one question.

    :raises NotFound: if there is none of that id for the actor
    :raises single.NotCurrent: if the copy of its calendar is too old, and none came in time
    :raises limited_use.guard.guard.Refused: if the policy does not allow it
    """
    found = agenda.everything(asked)
    seen, events = event_lookup.current(asked, name, found)
    named = [one for one in found if _is_named(one, asked)]
    wanted = [*_events([seen], events), *_names(named, [seen])]
    permits = calendar_permits.to_view_apart(
        actor=asked.actor, wanted=wanted, at=asked.at, needed=seen.calendar.id
    )
    names = _named_rows(found, named, permits)
    sharer = "" if seen.share is None else _sharers([seen], asked).get(seen.share.owner_id, "")
    return OneEvent([*names, *events], permits, seen, found, sharer)


def description(asked: Asked, name: EventId) -> OneEvent:
    """Return one event alone, for what is written in it. See `event`."""
    found = agenda.everything(asked)
    seen, events = event_lookup.current(asked, name, found)
    permits = agenda.permits_for(asked, [seen], events, details=True)
    return OneEvent(events, permits, seen, [], "")


def is_chosen(one: Visible, hidden: Collection[UUID]) -> bool:
    """Return whether they want to see it; of somebody else's, their own choice counts."""
    return one.calendar.is_shown if one.share is None else one.calendar.id not in hidden


def pending(asked: Asked, *, hidden: Collection[UUID]) -> int:
    """Return how many calendars are still on their way, from our own rows; opens nothing."""
    chosen = [one for one in agenda.everything(asked) if is_chosen(one, hidden)]
    return len(refresh_on_read.ask(chosen, at=asked.at))


def is_coming(asked: Asked) -> bool:
    """Return whether an account of theirs is still to say which calendars it has."""
    organisation_id = asked.actor.organisation_id
    if organisation_id is None:
        return False
    mine = Integration.objects.live().owned_by(asked.user_id, organisation_id)
    return mine.filter(product="calendar", status=IntegrationStatus.SYNCING).exists()


def _is_named(one: Visible, asked: Asked) -> bool:
    return one.is_known(asked.at) and one.shows_details and one.calendar.about is not None


def _allowed(permits: Permits, one: Visible) -> bool:
    return calendar_permits.allows(permits, one.calendar, one.data_classes)


def _named_rows(
    found: Iterable[Visible], named: Collection[Visible], permits: Permits
) -> list[Row]:
    """Return a row for each calendar, with its name where that may be shown."""
    return [
        Row(one, {"about": one.calendar.about} if one in named and _is_open(permits, one) else {})
        for one in found
    ]


def _is_open(permits: Permits, one: Visible) -> bool:
    return calendar_permits.allows(permits, one.calendar, (DataClass.CALENDAR_EVENT,))


def _events(shown: Iterable[Visible], events: Iterable[Row]) -> Iterable[Wanted]:
    counts = Counter(row.row.seen.calendar.id for row in events)
    for one in shown:
        # And the row that names it.
        count = counts[one.calendar.id] + 1
        yield Wanted(one.calendar, one.data_classes, share=one.share, count=count)


def _names(named: Iterable[Visible], shown: Collection[Visible]) -> Iterable[Wanted]:
    for one in named:
        if one not in shown:
            event = (DataClass.CALENDAR_EVENT,)
            yield Wanted(one.calendar, event, share=one.share, count=1, names_only=True)


def _sharers(found: Iterable[Visible], asked: Asked) -> Mapping[UUID, str]:
    ids = {one.share.owner_id for one in found if one.share is not None}
    if not ids:
        return {}
    partners = cross_user_lookups.find_partners(asked.user_id, asked.actor.organisation_id)
    return {person: partners[person].name for person in ids if person in partners}
