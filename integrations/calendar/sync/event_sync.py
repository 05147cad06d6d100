"""
The copy of one calendar: all of its window, then what changed; its age counts from the last.

The provider takes no window beside a change token, so what changed may lie outside it, and is then
not kept; and what comes into the window as time goes by is found by listing all of it again.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
from django.db import transaction

from integrations.access.fences import NoLongerLive
from integrations.models import Calendar, Event
from integrations.models.calendar import DAYS_AHEAD, DAYS_BACK, week_of
from integrations.providers import errors
from integrations.providers.calendars import EventPage
from limited_use.vault import sealing

from . import event_descriptions, event_store, reconcile, work_items
from .event_descriptions import Descriptions
from .session import Run

# How much of the window may have run out before all of it is listed again: not every day.
MARGIN: Final = timedelta(days=14)
# A round takes minutes. One that is given ever more pages is begun again, and shows as failing.
LONGEST_ROUND: Final = timedelta(hours=6)
# Its owner may write between a page's preparation and its commit: then it is prepared anew.
_TRIES: Final = 3


def advance(run: Run, calendar: Calendar) -> bool:
    """Bring its copy up to date. Return whether nothing is left to do now."""
    if calendar.gone_at is not None or calendar.cleared_at is not None:
        return True
    remote_id = _remote_id(run, calendar)
    if remote_id is None:
        # It has no name either: that comes with the list, which makes this work due again.
        work_items.due(
            integration_id=run.integration.id, resources=[work_items.LISTING], at=run.clock.now()
        )
        return True
    try:
        return _advance_or_restart(run, calendar, remote_id)
    except errors.Gone:
        # Nothing is deleted for one answer, least of all shares: the list says whether it is gone.
        work_items.due(
            integration_id=run.integration.id, resources=[work_items.LISTING], at=run.clock.now()
        )
        raise errors.Unavailable("not there; the list says whether it is gone") from None


def _advance_or_restart(run: Run, calendar: Calendar, remote_id: str) -> bool:
    """
    Advance; where what the provider gave us to go on with has expired, list all of it again.

    :raises errors.Unexpected: if that expires within the turn as well: it would go on for ever
    """
    with suppress(errors.CursorExpired):
        return _advance(run, calendar, remote_id)
    if not run.has_restarted:
        run.has_restarted = True
        _begin_round(run, calendar)
        with suppress(errors.CursorExpired):
            return _advance(run, calendar, remote_id)
    raise errors.Unexpected("a listing that has just begun has expired", reason="expired-again")


def _advance(run: Run, calendar: Calendar, remote_id: str) -> bool:
    if calendar.round_began_at is None and _needs_a_round(calendar, run.clock.now()):
        _begin_round(run, calendar)
    began_at = calendar.round_began_at
    if began_at is not None and run.clock.now() - began_at > LONGEST_ROUND:
        _begin_round(run, calendar)
        raise errors.Unexpected("the pages of a listing do not end", reason="endless")
    while not run.is_over:
        page = _page(run, calendar, remote_id)
        is_round = calendar.round_began_at is not None
        if not is_round and _is_empty(page):
            _renew(run, calendar, page)
        else:
            _commit(run, calendar, page)
        if page.next_page is None:
            if is_round or not reconcile.is_due(calendar, run.clock.now()):
                return True
            # What is new has just been fetched: what differs now is not news.
            _begin_round(run, calendar, is_compared=True)
    return False


def _is_empty(page: EventPage) -> bool:
    """Return whether it says that nothing has changed, and is the last that does."""
    changes = (page.events, page.cancelled, page.deleted, page.rejected)
    return page.cursor is not None and page.next_page is None and not any(changes)


def _renew(run: Run, calendar: Calendar, page: EventPage) -> None:
    """
    Write that every row is of now, as the provider has just said, and where to ask it next.

    Neither is anything of the calendar's: that needs no permission to store.
    """
    at = run.clock.now()
    sealer = sealing.sealer(holder=calendar.cache_id, epoch=run.epoch)
    cursor = sealer.seal(Calendar, "cursor", row=calendar.id, data=page.cursor or "")
    values = {"cached_at": at, "cursor": cursor, "position": None}
    with transaction.atomic(durable=True):
        _hold(run, calendar, at=at)
        _sweep(calendar, at, whole=False)
        Calendar.objects.filter(id=calendar.id).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)


def _needs_a_round(calendar: Calendar, at: datetime) -> bool:
    if calendar.cursor is None or calendar.cached_until is None:
        return True
    until: datetime = calendar.cached_until
    return until < at + timedelta(days=DAYS_AHEAD) - MARGIN


def _window(began_at: datetime) -> tuple[datetime, datetime]:
    return (
        began_at - timedelta(days=DAYS_BACK),
        began_at + timedelta(days=DAYS_AHEAD),
    )


def _remote_id(run: Run, calendar: Calendar) -> str | None:
    about = run.opened(calendar, calendar.about)
    return None if about is None else str(orjson.loads(about)["id"])


def _page(run: Run, calendar: Calendar, remote_id: str) -> EventPage:
    page = run.opened(calendar, calendar.position)
    found = _asked(run, calendar, remote_id, page)
    if page is not None and found.next_page == page:
        raise errors.Unexpected("a page that leads to itself", reason="endless")
    return found


def _asked(run: Run, calendar: Calendar, remote_id: str, page: str | None) -> EventPage:
    if calendar.round_began_at is not None:
        window = _window(calendar.round_began_at)
        try:
            return run.session.call(lambda: run.adapter.events(remote_id, window=window, page=page))
        except errors.Unexpected:
            if page is None or run.has_restarted:
                raise
            # A place in a listing ages: begin it again, but once in a turn.
            run.has_restarted = True
            return run.session.call(lambda: run.adapter.events(remote_id, window=window))
    cursor = run.opened(calendar, calendar.cursor)
    return run.session.call(lambda: run.adapter.events(remote_id, cursor=cursor, page=page))


def _begin_round(run: Run, calendar: Calendar, *, is_compared: bool = False) -> None:
    at = run.clock.now()
    _save(
        run,
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


def _commit(run: Run, calendar: Calendar, page: EventPage) -> None:
    """:raises rows.Overtaken: if its owner wrote to it again and again meanwhile"""
    descriptions = event_descriptions.show(page.events)
    for _ in range(_TRIES - 1):
        with suppress(event_store.Overtaken):
            return _write(run, calendar, page, descriptions)
    return _write(run, calendar, page, descriptions)


def _write(run: Run, calendar: Calendar, page: EventPage, descriptions: Descriptions) -> None:
    at = run.clock.now()
    sealer = run.sealer(calendar.cache_id)
    window = _window(calendar.round_began_at or at)
    batch = event_store.prepare(
        page, calendar=calendar, sealer=sealer, window=window, descriptions=descriptions
    )
    values: dict[str, Any] = {
        "unreadable_count": calendar.unreadable_count + len(page.rejected) + len(batch.unreadable),
        "position": None,
        "missing_count": calendar.missing_count + reconcile.missing(calendar, batch),
    }
    if page.next_page is not None:
        values["position"] = sealer.seal(Calendar, "position", row=calendar.id, data=page.next_page)
    elif page.cursor is None:
        raise errors.Unexpected("a last page without a token")
    else:
        values |= {
            "cursor": sealer.seal(Calendar, "cursor", row=calendar.id, data=page.cursor),
            # What the provider has just said is of now: that renews every row.
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
        run.found_news = True
        run.work.last_event_at = at
    with transaction.atomic(durable=True):
        _hold(run, calendar, at=at)
        event_store.write(batch, at=at)
        if page.next_page is None:
            if is_round:
                values |= reconcile.over(calendar, since=window[0], at=at)
            _sweep(calendar, at, whole=is_round)
        Calendar.objects.filter(id=calendar.id).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)


def _sweep(calendar: Calendar, at: datetime, *, whole: bool) -> None:
    """Delete what the round did not see, and what lies before the window by now."""
    mine = Event.objects.filter(calendar_id=calendar.id)
    if whole:
        mine.exclude(seen_round=calendar.round).delete()
    mine.filter(last_week__lt=week_of(at - timedelta(days=DAYS_BACK))).delete()


def _save(run: Run, calendar: Calendar, *, at: datetime, **values: Any) -> None:
    with transaction.atomic(durable=True):
        _hold(run, calendar, at=at)
        Calendar.objects.filter(id=calendar.id).update(**values)
    for name, value in values.items():
        setattr(calendar, name, value)


def _hold(run: Run, calendar: Calendar, *, at: datetime) -> None:
    """Hold the fences of integration, lease and copy: its owner may have deleted it meanwhile."""
    run.hold(at=at)
    same = Calendar.objects.filter(id=calendar.id, cache_id=calendar.cache_id, cleared_at=None)
    if not same.select_for_update(no_key=True).exists():
        raise NoLongerLive
