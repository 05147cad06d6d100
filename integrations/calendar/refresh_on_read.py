"""
Refresh a copy that is too old or missing when it is read: one provider call for all readers.

Every reader marks the row of the work due, one worker takes it, and all wait, for a bounded time.
A copy that is not current by then is not shown.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Q
from django.utils import timezone

from accounts import row_owner
from integrations.coordination import person_slots
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import OWNER_ONLY, Calendar, SyncWork

from .calendar_access import VisibleCalendar
from .sync import LIST_RESOURCE, get_calendar_work_resource

# How often a view is recorded; recorded views keep a copy fresh.
ASKED_EVERY: Final = timedelta(minutes=5)
# How long a page or an API request waits for a worker.
PATIENCE_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.05


def request_refresh(calendars: Sequence[VisibleCalendar], *, at: datetime) -> list[VisibleCalendar]:
    """
    Record a view of the calendars; return those that are now being refreshed.

    A copy that its owner deleted is not among them: only its owner requests it again.
    """
    stale = [visible for visible in calendars if visible.calendar.asked_at <= at - ASKED_EVERY]
    # Work parked for lack of viewers starts again.
    waking = [
        visible
        for visible in calendars
        if _can_refresh(visible) and (visible in stale or not visible.is_current(at))
    ]
    for owner in dict.fromkeys(_get_owner(visible) for visible in calendars):
        # The view is recorded on the owner's row, also for other viewers: row-level security admits
        # them for this update only.
        with row_owner.acting_for(*owner):
            _record_view(
                [visible.calendar.id for visible in stale if _get_owner(visible) == owner], at
            )
            _schedule_work(
                [visible.calendar for visible in waking if _get_owner(visible) == owner],
                at,
                if_unchanged=True,
            )
    return [visible for visible in waking if not visible.is_current(at)]


def request_live_refresh(
    calendars: Sequence[VisibleCalendar], *, at: datetime
) -> list[VisibleCalendar]:
    """
    Schedule a refresh of copies of any age.

    Return the calendars for `wait_for_refresh` with `since`.
    """
    waking = [visible for visible in calendars if _can_refresh(visible)]
    for owner in dict.fromkeys(_get_owner(visible) for visible in waking):
        with row_owner.acting_for(*owner):
            _schedule_work(
                [visible.calendar for visible in waking if _get_owner(visible) == owner], at
            )
    return waking


def wait_for_refresh(
    calendars: Sequence[VisibleCalendar],
    since: datetime | None = None,
    *,
    seconds: float = PATIENCE_SECONDS,
) -> None:
    """
    Wait until the calendars are current, or for `seconds`; their rows are read again.

    :param since: wait until they were complete at this time or later
    :raises integrations.coordination.person_slots.TooManyWaits: if the person waits in two other
        requests
    """
    with person_slots.hold_wait_slot():
        _poll_until_current(calendars, since, seconds)


def _poll_until_current(
    calendars: Sequence[VisibleCalendar], since: datetime | None, seconds: float
) -> None:
    ends_at = time.monotonic() + seconds
    waiting = {visible.calendar.id: visible for visible in calendars}
    while waiting and time.monotonic() < ends_at:
        time.sleep(_POLL_SECONDS)
        at = timezone.now()
        for calendar in Calendar.objects.filter(id__in=list(waiting)):
            visible = waiting[calendar.id]
            is_new = since is None or calendar.is_complete_since(since)
            if is_new and calendar.is_current(hours=visible.max_age_hours, at=at):
                _copy_cache_state(visible.calendar, calendar)
                del waiting[calendar.id]


def _get_owner(visible: VisibleCalendar) -> tuple[UUID, UUID]:
    return visible.calendar.user_id, visible.calendar.organisation_id


def _can_refresh(visible: VisibleCalendar) -> bool:
    calendar = visible.calendar
    return (
        not calendar.is_local
        and calendar.cleared_at is None
        and calendar.integration.status not in OWNER_ONLY
    )


def _record_view(calendar_ids: Sequence[UUID], at: datetime) -> None:
    if not calendar_ids:
        return
    with transaction.atomic():
        # Ordered, and without waiting for a writer: the next view is recorded.
        calendars = Calendar.objects.filter(id__in=calendar_ids).order_by("id")
        unlocked_ids = calendars.select_for_update(no_key=True, skip_locked=True).values_list(
            "id", flat=True
        )
        Calendar.objects.filter(id__in=list(unlocked_ids)).update(asked_at=at)


def _schedule_work(
    calendars: Sequence[Calendar], at: datetime, *, if_unchanged: bool = False
) -> None:
    """:param if_unchanged: refresh only copies that are still the ones that were read"""
    if not calendars:
        return
    calendars_by_resource = {
        get_calendar_work_resource(calendar.id): calendar for calendar in calendars
    }
    copy_works = Q(
        integration_id__in={calendar.integration_id for calendar in calendars},
        resource__in=list(calendars_by_resource),
    )
    unlisted_ids = {calendar.integration_id for calendar in calendars if calendar.about is None}
    works = SyncWork.objects.filter(
        copy_works | Q(integration_id__in=unlisted_ids, resource=LIST_RESOURCE), next_sync_at__gt=at
    )
    for work_id, resource in list(works.order_by("id").values_list("id", "resource")):
        # One row at a time: two requests about the same people could otherwise deadlock.
        due = SyncWork.objects.filter(id=work_id, next_sync_at__gt=at)
        if if_unchanged and (calendar := calendars_by_resource.get(resource)):
            # A slow reader of an old copy must not refresh the next copy again.
            due = due.filter(
                Exists(Calendar.objects.filter(id=calendar.id, cached_at=calendar.cached_at))
            )
        if due.update(next_sync_at=at):
            enqueue_on_commit("integrations.sync_mail", work_id=work_id)


def _copy_cache_state(target: Calendar, source: Calendar) -> None:
    for field in ("cache_id", "cached_at", "cached_from", "cached_until", "listed_at", "about"):
        setattr(target, field, getattr(source, field))
