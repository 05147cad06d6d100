"""Permits for what owners do with calendars of their own: write at the provider, keep, take out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from accounts.actors import Actor
from integrations.access import facts
from integrations.models import Calendar
from limited_use.access_request import FenceKind, Permit
from limited_use.guard import guard
from limited_use.policy.vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks.rows import Permits

from . import access_requests

_BOTH: Final = (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
_WRITE: Final = Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SCHEDULE, Recipient.OWN_PROVIDER)
_EXPORT: Final = "calendar-export"
_TAKEN: Final = tuple(Use(one, Purpose.USER_EXPORT, Recipient.OWNER) for one in _BOTH)
_KEEP: Final = tuple(Use(one, Purpose.CALENDAR_SCHEDULE, Recipient.VAULT) for one in _BOTH)


def to_write(*, actor: Actor, calendar: Calendar, at: datetime) -> Permit:
    """
    Return a permit to ask the own provider to change something in one calendar.

    :raises guard.Refused: if it is not theirs, or they did not agree to that
    """
    found = facts.of_integrations(
        [calendar.integration_id], actor=actor, at=at, by=facts.OF_EDITING
    )[calendar.integration_id]
    ask = access_requests.of_calendar(_WRITE, calendar, found, actor, feature=facts.OF_EDITING.key)
    return guard.permit(replace(ask, count=1), at=at)


def to_keep(*, actor: Actor, calendar: Calendar, count: int, at: datetime) -> int:
    """
    Return the epoch under which events of its owner may be kept in a calendar that lives here.

    :param count: how many are written or removed
    :raises guard.Refused: if it is not theirs, or they do not agree to calendars any more
    """
    by = facts.get_calendar_agreement(is_local=calendar.is_local)
    found = facts.of_integrations([calendar.integration_id], actor=actor, at=at, by=by)[
        calendar.integration_id
    ]
    wanted = [
        access_requests.of_calendar(use, calendar, found, actor, feature=by.key) for use in _KEEP
    ]
    return guard.permits([replace(ask, count=count) for ask in wanted], at=at)[0].epoch


def to_export(*, actor: Actor, calendar: Calendar, count: int, at: datetime) -> Permits:
    """
    Return permits to give a part of a calendar that lives here to its owner, as a file.

    :param count: how many rows the part has
    :raises guard.Refused: if it is not theirs
    """
    found = facts.of_integrations([calendar.integration_id], actor=actor, at=at)[
        calendar.integration_id
    ]
    # Their membership alone: what they wrote is theirs, whatever they agree to now.
    held_by = tuple(one for one in found.fences if one.kind == FenceKind.MEMBERSHIP)
    found = replace(found, fences=held_by)
    if calendar.is_local:
        found = replace(found, facts=found.facts | {Fact.CACHE_CURRENT})
    wanted = [
        replace(
            access_requests.of_calendar(use, calendar, found, actor, feature=_EXPORT), count=count
        )
        for use in _TAKEN
    ]
    return {(one.holder, one.use.data_class): one for one in guard.permits(wanted, at=at)}
