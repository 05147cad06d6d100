"""
Sync the copy of one calendar: the whole window first, then changes.

A provider takes no window beside a change token, so changes outside of the window are dropped.
Events that enter the window as time passes are found by listing it again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import transaction
from django.db.models import Q

from integrations.access.fences import DisconnectedError
from integrations.models import Calendar, Event, RemovalReason
from integrations.models.calendar import DAYS_AHEAD, DAYS_BACK, get_week
from integrations.providers import errors
from integrations.providers.calendars import RemoteEventPage
from limited_use.vault import sealing

from . import (
    calendar_reconciliation,
    event_deletion,
    event_descriptions,
    event_store,
    work_items,
)
from .calendar_session import CalendarSyncSession
from .event_descriptions import SafeDescriptions

# How much of the window may pass before it is listed again.
WINDOW_MARGIN: Final = timedelta(days=14)
# A round takes minutes; one without end starts again, and counts as a failure.
MAX_ROUND: Final = timedelta(hours=6)
# The owner may write between preparation and commit; then the page is prepared again.
_MAX_TRIES: Final = 3


def sync_events(session: CalendarSyncSession, calendar: Calendar) -> bool:
    """Return whether nothing is left to do now."""
    if calendar.gone_at is not None or calendar.cleared_at is not None:
        return True
    remote_id = _open_remote_id(session, calendar)
    if remote_id is None:
        # Its name is missing as well; the list brings it, and makes this work due again.
        work_items.schedule_calendar_works(
            integration_id=session.integration.id,
            resources=[work_items.LIST_RESOURCE],
            at=session.clock.now(),
        )
        return True
    try:
        return _sync_or_restart(session, calendar, remote_id)
    except errors.Gone:
        # One response deletes nothing, least of all shares: the list decides.
        work_items.schedule_calendar_works(
            integration_id=session.integration.id,
            resources=[work_items.LIST_RESOURCE],
            at=session.clock.now(),
        )
        raise errors.Unavailable("not there; the list says whether it is gone") from None


def _sync_or_restart(session: CalendarSyncSession, calendar: Calendar, remote_id: str) -> bool:
    """
    If the provider's cursor has expired, list the whole window again.

    :raises errors.Unexpected: if the new cursor expires too: it would repeat for ever
    """
    with suppress(errors.CursorExpired):
        return _sync_pages(session, calendar, remote_id)
    if not session.has_restarted:
        session.has_restarted = True
        _begin_round(session, calendar)
        with suppress(errors.CursorExpired):
            return _sync_pages(session, calendar, remote_id)
    raise errors.Unexpected("a listing that has just begun has expired", reason="expired-again")


def _sync_pages(session: CalendarSyncSession, calendar: Calendar, remote_id: str) -> bool:
    if calendar.round_began_at is None and _needs_round(calendar, session.clock.now()):
        _begin_round(session, calendar)
    began_at = calendar.round_began_at
    if began_at is not None and session.clock.now() - began_at > MAX_ROUND:
        _begin_round(session, calendar)
        raise errors.Unexpected("the pages of a listing do not end", reason="endless")
    while not session.is_time_over:
        page = _fetch_page(session, calendar, remote_id)
        is_round = calendar.round_began_at is not None
        if not is_round and _is_unchanged(page):
            _record_unchanged(session, calendar, page)
        else:
            _store_page(session, calendar, page)
        if page.next_page is None:
            if is_round or not calendar_reconciliation.is_calendar_comparison_due(
                calendar, session.clock.now()
            ):
                return True
            # All changes have just been fetched, so any difference now is a fault of the copy.
            _begin_round(session, calendar, is_compared=True)
    return False


def _is_unchanged(page: RemoteEventPage) -> bool:
    changes = (page.events, page.cancelled, page.deleted, page.rejected)
    return page.cursor is not None and page.next_page is None and not any(changes)


def _record_unchanged(
    session: CalendarSyncSession, calendar: Calendar, page: RemoteEventPage
) -> None:
    """Neither this fact nor the cursor is content, so no permit to store is needed."""
    at = session.clock.now()
    sealer = sealing.get_sealer(holder=calendar.cache_id, epoch=session.epoch)
    cursor = sealer.seal_value(Calendar, "cursor", row=calendar.id, data=page.cursor or "")
    values = {"cached_at": at, "cursor": cursor, "position": None}
    with transaction.atomic(durable=True):
        _lock_calendar_copy(session, calendar, at=at)
        _delete_unseen(calendar, at, is_round=False)
        Calendar.objects.filter(id=calendar.id).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)


def _needs_round(calendar: Calendar, at: datetime) -> bool:
    if calendar.cursor is None or calendar.cached_until is None:
        return True
    until: datetime = calendar.cached_until
    return until < at + timedelta(days=DAYS_AHEAD) - WINDOW_MARGIN


def _get_window(began_at: datetime) -> tuple[datetime, datetime]:
    return (
        began_at - timedelta(days=DAYS_BACK),
        began_at + timedelta(days=DAYS_AHEAD),
    )


def _open_remote_id(session: CalendarSyncSession, calendar: Calendar) -> str | None:
    about = session.open_column(calendar, calendar.about)
    return None if about is None else str(orjson.loads(about)["id"])


def _fetch_page(
    session: CalendarSyncSession, calendar: Calendar, remote_id: str
) -> RemoteEventPage:
    position = session.open_column(calendar, calendar.position)
    page = _list_page(session, calendar, remote_id, position)
    if position is not None and page.next_page == position:
        raise errors.Unexpected("a page that leads to itself", reason="endless")
    return page


def _list_page(
    session: CalendarSyncSession, calendar: Calendar, remote_id: str, position: str | None
) -> RemoteEventPage:
    if calendar.round_began_at is not None:
        window = _get_window(calendar.round_began_at)
        try:
            return session.provider_session.call(
                lambda: session.adapter.list_events(remote_id, window=window, page=position)
            )
        except errors.Unexpected:
            if position is None or session.has_restarted:
                raise
            # A page token ages: list again, but once in a turn.
            session.has_restarted = True
            return session.provider_session.call(
                lambda: session.adapter.list_events(remote_id, window=window)
            )
    cursor = session.open_column(calendar, calendar.cursor)
    return session.provider_session.call(
        lambda: session.adapter.list_events(remote_id, cursor=cursor, page=position)
    )


def _begin_round(
    session: CalendarSyncSession, calendar: Calendar, *, is_compared: bool = False
) -> None:
    at = session.clock.now()
    _save_calendar(
        session,
        calendar,
        at=at,
        round=calendar.round + 1,
        round_began_at=at,
        cursor=None,
        position=None,
        unreadable_count=0,
        is_compared=is_compared,
        missing_count=0,
        extra_count=0,
    )


def _store_page(session: CalendarSyncSession, calendar: Calendar, page: RemoteEventPage) -> None:
    """:raises event_store.EventBatchOvertaken: if owner writes overtook the page repeatedly"""
    descriptions = event_descriptions.sanitize_descriptions(page.events)
    for _ in range(_MAX_TRIES - 1):
        with suppress(event_store.EventBatchOvertaken):
            return _write_page(session, calendar, page, descriptions)
    return _write_page(session, calendar, page, descriptions)


def _write_page(
    session: CalendarSyncSession,
    calendar: Calendar,
    page: RemoteEventPage,
    descriptions: SafeDescriptions,
) -> None:
    at = session.clock.now()
    sealer = session.get_sealer(calendar.cache_id)
    window = _get_window(calendar.round_began_at or at)
    batch = event_store.prepare_event_batch(
        page, calendar=calendar, sealer=sealer, window=window, descriptions=descriptions
    )
    values: dict[str, Any] = {
        "unreadable_count": calendar.unreadable_count
        + len(page.rejected)
        + len(batch.unreadable_ids),
        "position": None,
        "missing_count": calendar.missing_count
        + calendar_reconciliation.count_missing(calendar, batch),
    }
    if page.next_page is not None:
        values["position"] = sealer.seal_value(
            Calendar, "position", row=calendar.id, data=page.next_page
        )
    elif page.cursor is None:
        raise errors.Unexpected("a last page without a token")
    else:
        values |= {
            "cursor": sealer.seal_value(Calendar, "cursor", row=calendar.id, data=page.cursor),
            # The response confirms every row as of now.
            "cached_at": at,
        }
        if calendar.round_began_at is not None:
            values |= {
                "round_began_at": None,
                "cached_from": window[0],
                "cached_until": window[1],
            }
    is_round = calendar.round_began_at is not None
    if not is_round and (page.events or page.cancelled or page.deleted):
        session.found_changes = True
        session.work.last_event_at = at
    with transaction.atomic(durable=True):
        _lock_calendar_copy(session, calendar, at=at)
        event_store.write_event_batch(batch, at=at)
        if page.next_page is None:
            if is_round:
                values |= calendar_reconciliation.build_comparison(calendar, since=window[0], at=at)
            _delete_unseen(calendar, at, is_round=is_round)
        Calendar.objects.filter(id=calendar.id).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)


def _delete_unseen(calendar: Calendar, at: datetime, *, is_round: bool) -> None:
    """Delete rows that the round did not see, or that now lie before the window."""
    calendar_events = Event.objects.filter(calendar_id=calendar.id)
    before_window = Q(last_week__lt=get_week(at - timedelta(days=DAYS_BACK)))
    event_deletion.delete_event_rows(
        calendar_events.filter(before_window),
        integration_id=calendar.integration_id,
        reason=RemovalReason.NO_LONGER_KEPT,
        at=at,
    )
    if is_round:
        event_deletion.delete_event_rows(
            calendar_events.exclude(seen_round=calendar.round),
            integration_id=calendar.integration_id,
            reason=RemovalReason.DELETED_AT_PROVIDER,
            at=at,
        )


def _save_calendar(
    session: CalendarSyncSession, calendar: Calendar, *, at: datetime, **values: Any
) -> None:
    with transaction.atomic(durable=True):
        _lock_calendar_copy(session, calendar, at=at)
        Calendar.objects.filter(id=calendar.id).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)


def _lock_calendar_copy(session: CalendarSyncSession, calendar: Calendar, *, at: datetime) -> None:
    """The owner may have deleted the copy."""
    session.lock_and_renew(at=at)
    unchanged = Calendar.objects.filter(id=calendar.id, cache_id=calendar.cache_id, cleared_at=None)
    if not unchanged.select_for_update(no_key=True).exists():
        raise DisconnectedError
