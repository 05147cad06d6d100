"""Permits to write to an own calendar, and to export it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from accounts.actors import Actor
from integrations.access import facts
from integrations.models import Calendar
from limited_use.access_request import Permit
from limited_use.guard import guard
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use
from limited_use.sinks.sealed_rows import Permits

from . import calendar_access_requests

_DATA_CLASSES: Final = (DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY)
WRITE_USE: Final = Use(DataClass.CALENDAR_EVENT, Purpose.CALENDAR_SCHEDULE, Recipient.OWN_PROVIDER)
_EXPORT_FEATURE: Final = "calendar-export"
EXPORT_USES: Final = tuple(
    Use(data_class, Purpose.USER_EXPORT, Recipient.OWNER) for data_class in _DATA_CLASSES
)
_STORE_USES: Final = tuple(
    Use(data_class, Purpose.CALENDAR_SCHEDULE, Recipient.VAULT) for data_class in _DATA_CLASSES
)


def to_write_at_provider(*, actor: Actor, calendar: Calendar, at: datetime) -> Permit:
    """
    Permit one change.

    :raises guard.AccessRefused: if the calendar is not the actor's, or the consent to editing is
        missing
    """
    holder_facts = facts.for_integrations(
        [calendar.integration_id], actor=actor, at=at, consent=facts.EDITING_CONSENT
    )[calendar.integration_id]
    request = calendar_access_requests.for_calendar(
        WRITE_USE, calendar, holder_facts, actor, feature=facts.EDITING_CONSENT.feature_key
    )
    return guard.permit(replace(request, count=1), at=at)


def to_write_locally(*, actor: Actor, calendar: Calendar, count: int, at: datetime) -> int:
    """
    Record the permission to store events; return the epoch for sealing them.

    :raises guard.AccessRefused: if the calendar is not the actor's, or the consent has ended
    """
    consent = facts.get_calendar_consent(is_local=calendar.is_local)
    holder_facts = facts.for_integrations(
        [calendar.integration_id], actor=actor, at=at, consent=consent
    )[calendar.integration_id]
    requests = [
        calendar_access_requests.for_calendar(
            use, calendar, holder_facts, actor, feature=consent.feature_key
        )
        for use in _STORE_USES
    ]
    return guard.permits([replace(request, count=count) for request in requests], at=at)[0].epoch


def to_export(*, actor: Actor, calendar: Calendar, count: int, at: datetime) -> Permits:
    """
    :param count: rows of a local calendar
    :raises guard.AccessRefused:
    """
    holder_facts = facts.for_integrations([calendar.integration_id], actor=actor, at=at)[
        calendar.integration_id
    ]
    # Owners may export their events without any consent.
    holder_facts = holder_facts.keep_membership_fences()
    if calendar.is_local:
        holder_facts = replace(holder_facts, facts=holder_facts.facts | {Fact.CACHE_CURRENT})
    requests = [
        replace(
            calendar_access_requests.for_calendar(
                use, calendar, holder_facts, actor, feature=_EXPORT_FEATURE
            ),
            count=count,
        )
        for use in EXPORT_USES
    ]
    return {
        (permit.holder, permit.use.data_class): permit for permit in guard.permits(requests, at=at)
    }
