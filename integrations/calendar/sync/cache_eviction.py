"""
The end of a calendar's copy: its key in that commit, so in backups too, and its rows with it.

When its owner says so, when it is too old, and when the provider no longer has the calendar. What
is connected stays connected.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from integrations.access import key_holders, scopes
from integrations.models import CACHE_CHOICES, LIVE, Calendar, Event, Integration, SyncWork
from limited_use.agreements import shares
from limited_use.ledger import entries, pseudonyms
from limited_use.vault import keys

from . import work_items

logger = logging.getLogger(__name__)


class Reason(StrEnum):
    """Why a copy ended; the ledger says so."""

    OWNER = "owner"
    TOO_OLD = "too_old"
    GONE = "gone"


def erase(calendars: Sequence[Calendar], *, reason: Reason, at: datetime) -> int:
    """
    End the copies of some calendars of one integration, in the caller's transaction.

    From the commit on nothing of them opens, and what is on its way is dropped. Return how many
    events were here.

    :param calendars: locked by the caller
    """
    ids = [one.id for one in calendars]
    if not ids:
        return 0
    ended = [(one, keys.end(holder=one.cache_id)) for one in calendars]
    count, _ = Event.objects.filter(calendar_id__in=ids).delete()
    Calendar.objects.filter(id__in=ids).update(
        about=None,
        listed_at=None,
        cached_at=None,
        cached_from=None,
        cached_until=None,
        cursor=None,
        position=None,
        round_began_at=None,
        unreadable_count=0,
        **({"cleared_at": at} if reason is Reason.OWNER else {}),
    )
    integration = calendars[0].integration
    name = pseudonyms.of(integration.connection_id)
    entries.record(
        event="copy.erased",
        about=integration.id,
        body={"reason": str(reason), "calendars": len(ids), "events": count},
        at=at,
        name=name,
    )
    for _, gone in ended:
        if gone is not None:
            key_holders.record_end(gone, about=integration.id, name=name, at=at)
    return count


def sweep(*, at: datetime, limit: int = 500) -> int:
    """
    End the copies that are too old, and remove calendars that the provider no longer has.

    One transaction each, so that one that fails holds no other up. Return how many.
    """
    found = list(over(at).order_by("cached_at", "id").values_list("id", flat=True)[:limit])
    done = 0
    for calendar_id in found:
        try:
            done += _end_one(calendar_id, at=at)
        except Exception:
            logger.exception("calendar.not_ended", extra={"about": calendar_id})
    return done


def over(at: datetime) -> QuerySet[Calendar]:
    """Return the calendars of live integrations whose copy is over, and those that are gone."""
    declared = scopes.cached_hours("calendar")
    hours = Case(
        When(integration__cache_hours=None, then=Value(declared)),
        When(integration__cache_hours__gt=declared, then=Value(declared)),
        default=F("integration__cache_hours"),
        output_field=IntegerField(),
    )
    live = Calendar.objects.filter(integration__status__in=LIVE, is_local=False)
    aged = Q()
    for choice in _choices(declared):
        too_old = at - timedelta(hours=choice)
        # Whatever is here of it is as old as the last time that the provider spoke of it.
        seen = Q(cached_at__lte=too_old) | Q(cached_at=None, listed_at__lte=too_old)
        aged |= Q(may_be_hours=choice) & seen
    return live.annotate(may_be_hours=hours).filter(aged | Q(gone_at__isnull=False))


def _choices(declared: int) -> Iterable[int]:
    return sorted({declared, *(one for one in CACHE_CHOICES if one < declared)})


def _end_one(calendar_id: UUID, *, at: datetime) -> int:
    with transaction.atomic(durable=True):
        # The integration first, as whoever writes does.
        integration_id = Calendar.objects.values_list("integration_id", flat=True).get(
            id=calendar_id
        )
        live = Integration.objects.live().select_for_update(no_key=True).filter(id=integration_id)
        if not live.exists():
            return 0
        # It may be deleted, which takes the stronger lock.
        calendar = over(at).select_for_update(of=("self",)).filter(id=calendar_id).first()
        if calendar is None:
            # Refreshed meanwhile.
            return 0
        if calendar.gone_at is None:
            erase([calendar], reason=Reason.TOO_OLD, at=at)
            return 1
        erase([calendar], reason=Reason.GONE, at=at)
        shares.lapse(items=[calendar.id], at=at)
        SyncWork.objects.filter(
            integration_id=integration_id, resource=work_items.resource_of(calendar.id)
        ).delete()
        calendar.delete()
        return 1
