"""
End a calendar's copy: that commit destroys its key, also for backups.

A copy ends when its owner deletes it, when it is too old, and when the provider no longer has the
calendar.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from integrations.access import key_holders, scopes, support_consents
from integrations.models import (
    CACHE_CHOICES,
    LIVE,
    Calendar,
    Event,
    Integration,
    RemovalReason,
    SyncWork,
)
from limited_use.agreements import shares
from limited_use.ledger import entries, pseudonyms
from limited_use.vault import data_keys

from . import event_deletion, work_items

logger = logging.getLogger(__name__)


class EvictionReason(StrEnum):
    """Why a copy ended, as the ledger records it."""

    OWNER = "owner"
    TOO_OLD = "too_old"
    GONE = "gone"


#: Why features delete their copies, too.
_REMOVAL_REASONS: Final = {
    EvictionReason.OWNER: RemovalReason.NO_LONGER_KEPT,
    EvictionReason.TOO_OLD: RemovalReason.NO_LONGER_KEPT,
    EvictionReason.GONE: RemovalReason.DELETED_AT_PROVIDER,
}


def evict_copies(calendars: Sequence[Calendar], *, reason: EvictionReason, at: datetime) -> int:
    """
    End copies of one integration; return the number of events.

    A sync under way drops its data.

    :param calendars: locked by the caller
    """
    calendar_ids = [calendar.id for calendar in calendars]
    if not calendar_ids:
        return 0
    ended_keys = [
        (calendar, data_keys.destroy_data_key(holder=calendar.cache_id)) for calendar in calendars
    ]
    support_consents.end_event_consents(
        owner_id=calendars[0].user_id,
        organisation_id=calendars[0].organisation_id,
        calendar_ids=calendar_ids,
        at=at,
    )
    count = event_deletion.delete_event_rows(
        Event.objects.filter(calendar_id__in=calendar_ids),
        integration_id=calendars[0].integration_id,
        reason=_REMOVAL_REASONS[reason],
        at=at,
        # Others have no name that a feature could keep.
        calendar_ids=[calendar.id for calendar in calendars if calendar.about is not None],
    )
    Calendar.objects.filter(id__in=calendar_ids).update(
        about=None,
        listed_at=None,
        cached_at=None,
        cached_from=None,
        cached_until=None,
        cursor=None,
        position=None,
        round_began_at=None,
        unreadable_count=0,
        **({"cleared_at": at} if reason is EvictionReason.OWNER else {}),
    )
    integration = calendars[0].integration
    pseudonym = pseudonyms.get_pseudonym_naming(integration.connection_id)
    entries.record_ledger_event(
        event="copy.erased",
        about=integration.id,
        body={"reason": str(reason), "calendars": len(calendar_ids), "events": count},
        at=at,
        naming=pseudonym,
    )
    for _, ended_key in ended_keys:
        if ended_key is not None:
            key_holders.record_key_deletion(ended_key, about=integration.id, name=pseudonym, at=at)
    return count


def evict_expired(*, at: datetime, limit: int = 500) -> int:
    """Each calendar has its own transaction: a failure does not stop the others."""
    calendar_ids = list(
        filter_expired(at).order_by("cached_at", "id").values_list("id", flat=True)[:limit]
    )
    evicted_count = 0
    for calendar_id in calendar_ids:
        try:
            evicted_count += _evict_calendar(calendar_id, at=at)
        except Exception:
            logger.exception("calendar.not_ended", extra={"about": calendar_id})
    return evicted_count


def filter_expired(at: datetime) -> QuerySet[Calendar]:
    """Also includes calendars that the provider dropped."""
    declared_hours = scopes.get_cache_hours("calendar")
    hours = Case(
        When(integration__cache_hours=None, then=Value(declared_hours)),
        When(integration__cache_hours__gt=declared_hours, then=Value(declared_hours)),
        default=F("integration__cache_hours"),
        output_field=IntegerField(),
    )
    live = Calendar.objects.filter(integration__status__in=LIVE, is_local=False)
    is_expired = Q()
    for choice in _list_cache_hours(declared_hours):
        too_old = at - timedelta(hours=choice)
        # The age of a copy counts from the last time that the provider confirmed it.
        last_confirmed = Q(cached_at__lte=too_old) | Q(cached_at=None, listed_at__lte=too_old)
        is_expired |= Q(may_be_hours=choice) & last_confirmed
    return live.annotate(may_be_hours=hours).filter(is_expired | Q(gone_at__isnull=False))


def _list_cache_hours(declared_hours: int) -> Iterable[int]:
    return sorted({declared_hours, *(hours for hours in CACHE_CHOICES if hours < declared_hours)})


def _evict_calendar(calendar_id: UUID, *, at: datetime) -> int:
    with transaction.atomic(durable=True):
        # The integration first, in the lock order of all writers.
        integration_id = Calendar.objects.values_list("integration_id", flat=True).get(
            id=calendar_id
        )
        live = Integration.objects.live().select_for_update(no_key=True).filter(id=integration_id)
        if not live.exists():
            return 0
        # The row may be deleted, which needs the stronger lock.
        calendar = filter_expired(at).select_for_update(of=("self",)).filter(id=calendar_id).first()
        if calendar is None:
            # It was refreshed since.
            return 0
        if calendar.gone_at is None:
            evict_copies([calendar], reason=EvictionReason.TOO_OLD, at=at)
            return 1
        evict_copies([calendar], reason=EvictionReason.GONE, at=at)
        shares.end_item_shares(items=[calendar.id], at=at)
        SyncWork.objects.filter(
            integration_id=integration_id,
            resource=work_items.get_calendar_work_resource(calendar.id),
        ).delete()
        calendar.delete()
        return 1
