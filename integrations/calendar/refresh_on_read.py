"""
Asking for a copy that is too old, or not there: one look at the provider, whoever and how many ask.

The row of the work is the single flight: all mark it due, one worker takes it, all wait for the
same answer, and for a bounded time. What is not current by then is not shown.
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
from integrations.coordination import concurrency
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import OWNER_ONLY, Calendar, SyncWork

from .calendar_access import Visible
from .sync import LISTING, resource_of

# Being looked at is written down this often: it keeps a copy fresh.
ASKED_EVERY: Final = timedelta(minutes=5)
# How long a page or a call waits for a worker.
PATIENCE_SECONDS: Final = 8.0
_POLL_SECONDS: Final = 0.05


def ask(found: Sequence[Visible], *, at: datetime) -> list[Visible]:
    """
    Say that somebody looks at these now; have what is not current brought in.

    Return those that are asked for: whoever needs them waits with `wait`. A copy that its owner
    deleted is not among them: it begins again when they say so.
    """
    stale = [one for one in found if one.calendar.asked_at <= at - ASKED_EVERY]
    # What was parked because nobody looked is looked at again from now on.
    wanted = [one for one in found if _can_come(one) and (one in stale or not one.is_current(at))]
    for owner in dict.fromkeys(_owner(one) for one in found):
        # That somebody looks is written at whose calendar it is, whoever it is that may look: the
        # database shows it to them for nothing else.
        with row_owner.acting_for(*owner):
            _note([one.calendar.id for one in stale if _owner(one) == owner], at)
            _wake([one.calendar for one in wanted if _owner(one) == owner], at, as_read=True)
    return [one for one in wanted if not one.is_current(at)]


def renew(found: Sequence[Visible], *, at: datetime) -> list[Visible]:
    """
    Have copies looked at at their provider now, however young they are.

    Return those that are asked for: whoever needs them waits with `wait`, and `since`.
    """
    wanted = [one for one in found if _can_come(one)]
    for owner in dict.fromkeys(_owner(one) for one in wanted):
        with row_owner.acting_for(*owner):
            _wake([one.calendar for one in wanted if _owner(one) == owner], at)
    return wanted


def wait(
    asked: Sequence[Visible], since: datetime | None = None, *, seconds: float = PATIENCE_SECONDS
) -> None:
    """
    Wait until they are current, or for that long; their rows are read anew.

    :param since: until they were complete at that time or later
    :raises integrations.coordination.concurrency.TooManyWaits: if the person waits for providers in
        two other requests
    """
    with concurrency.waiting():
        _wait(asked, since, seconds)


def _wait(asked: Sequence[Visible], since: datetime | None, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    waiting = {one.calendar.id: one for one in asked}
    while waiting and time.monotonic() < ends_at:
        time.sleep(_POLL_SECONDS)
        at = timezone.now()
        for calendar in Calendar.objects.filter(id__in=list(waiting)):
            one = waiting[calendar.id]
            is_new = since is None or calendar.is_complete_since(since)
            if is_new and calendar.is_current(hours=one.hours, at=at):
                _read_anew(one.calendar, calendar)
                del waiting[calendar.id]


def _owner(one: Visible) -> tuple[UUID, UUID]:
    return one.calendar.user_id, one.calendar.organisation_id


def _can_come(one: Visible) -> bool:
    calendar = one.calendar
    return (
        not calendar.is_local
        and calendar.cleared_at is None
        and calendar.integration.status not in OWNER_ONLY
    )


def _note(calendar_ids: Sequence[UUID], at: datetime) -> None:
    if not calendar_ids:
        return
    with transaction.atomic():
        # In one order, and past whoever is writing there: the next who looks notes it.
        held = Calendar.objects.filter(id__in=calendar_ids).order_by("id")
        free = held.select_for_update(no_key=True, skip_locked=True).values_list("id", flat=True)
        Calendar.objects.filter(id__in=list(free)).update(asked_at=at)


def _wake(calendars: Sequence[Calendar], at: datetime, *, as_read: bool = False) -> None:
    """Have them looked at; `as_read`: those of which still the same copy is here."""
    if not calendars:
        return
    read = {resource_of(one.id): one for one in calendars}
    copies = Q(
        integration_id__in={one.integration_id for one in calendars}, resource__in=list(read)
    )
    unnamed = {one.integration_id for one in calendars if one.about is None}
    works = SyncWork.objects.filter(
        copies | Q(integration_id__in=unnamed, resource=LISTING), next_sync_at__gt=at
    )
    for work_id, resource in list(works.order_by("id").values_list("id", "resource")):
        # Each by itself: together, two who ask about the same people could wait for each other.
        due = SyncWork.objects.filter(id=work_id, next_sync_at__gt=at)
        if as_read and (one := read.get(resource)):
            # Whoever is slow to say that it was too old must not have the next one fetched again.
            due = due.filter(Exists(Calendar.objects.filter(id=one.id, cached_at=one.cached_at)))
        if due.update(next_sync_at=at):
            enqueue_on_commit("integrations.sync_mail", work_id=work_id)


def _read_anew(held: Calendar, fresh: Calendar) -> None:
    for field in ("cache_id", "cached_at", "cached_from", "cached_until", "listed_at", "about"):
        setattr(held, field, getattr(fresh, field))
