"""
Sync the list of an account's calendars: the whole list each time, in one call.

A change token does not suffice: the end of a copy deletes the calendar's name, and the provider
does not repeat unchanged entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

import orjson
from django.db import transaction

from accounts.ids import uuid7
from integrations.access import key_holders
from integrations.models import Calendar
from integrations.providers import errors
from integrations.providers.calendars import RemoteCalendar
from limited_use.vault.data_keys import KeyUnusable
from limited_use.vault.sealing import Sealer

from . import work_items
from .calendar_session import CalendarSyncSession

CALENDAR: Final = "calendar"
# More than a person uses; the rest is not synced.
MAX_CALENDARS: Final = 500
# Of up to a hundred calendars each.
_MAX_PAGES: Final = 50
# In characters; providers allow fewer.
_MAX_NAME_LENGTH: Final = 1_000
_MAX_COLOUR_LENGTH: Final = 64


def sync_calendar_list(session: CalendarSyncSession) -> bool:
    """Return True: nothing is left to do."""
    remote_calendars = _fetch_calendars(session)
    at = session.clock.now()
    # The blind index uses the integration's key, which outlives those of copies.
    integration_sealer = session.get_sealer(session.integration.id)
    with transaction.atomic(durable=True):
        session.lock_and_renew(at=at)
        _store_calendars(session, remote_calendars, integration_sealer, at)
    return True


def _fetch_calendars(session: CalendarSyncSession) -> list[RemoteCalendar]:
    # By id: of a calendar that is listed twice, the last entry counts.
    by_remote_id: dict[str, RemoteCalendar] = {}
    page: str | None = None
    for _ in range(_MAX_PAGES):
        response = session.provider_session.call(partial(session.adapter.list_calendars, page=page))
        by_remote_id |= {remote.calendar_id: remote for remote in response.calendars}
        page = response.next_page
        if page is None or len(by_remote_id) >= MAX_CALENDARS:
            return list(by_remote_id.values())[:MAX_CALENDARS]
    raise errors.Unexpected("the list of calendars does not end")


def _store_calendars(
    session: CalendarSyncSession,
    remote_calendars: Sequence[RemoteCalendar],
    integration_sealer: Sealer,
    at: datetime,
) -> None:
    stored = (
        Calendar.objects.filter(integration=session.integration)
        .select_for_update(no_key=True)
        .order_by("id")
    )
    missing = {bytes(calendar.remote_blind): calendar for calendar in stored}
    new_ids: list[UUID] = []
    for remote in remote_calendars:
        blind = integration_sealer.compute_blind(CALENDAR, remote.calendar_id)
        calendar = missing.pop(blind, None)
        if calendar is None:
            calendar = _create_calendar(session, blind, at)
            new_ids.append(calendar.id)
        if calendar.cleared_at is None:
            with suppress(KeyUnusable):
                # Otherwise unchanged: once the copy is too old, another begins under a new key.
                _seal_about(session, calendar, remote, at=at)
        calendar.role, calendar.is_primary = remote.role, remote.is_primary
        calendar.gone_at = None
        calendar.save()
    for removed in missing.values():
        if removed.gone_at is None:
            # Hidden from this commit on; a sweep removes it.
            removed.gone_at = at
            removed.save(update_fields=["gone_at"])
    work_items.create_calendar_works(
        integration_id=session.integration.id, calendar_ids=new_ids, at=at
    )


def _create_calendar(session: CalendarSyncSession, blind: bytes, at: datetime) -> Calendar:
    return Calendar(
        id=uuid7(),
        integration=session.integration,
        user_id=session.user_id,
        organisation_id=session.organisation_id,
        remote_blind=blind,
        added_at=at,
        asked_at=at,
    )


def _seal_about(
    session: CalendarSyncSession, calendar: Calendar, remote: RemoteCalendar, *, at: datetime
) -> None:
    key_holders.ensure_cache_key(calendar, epoch=session.epoch, at=at)
    sealer = session.get_sealer(calendar.cache_id)
    about = {
        "id": remote.calendar_id,
        "name": remote.name[:_MAX_NAME_LENGTH],
        "zone": remote.zone,
        "colour": remote.colour[:_MAX_COLOUR_LENGTH],
    }
    calendar.about = sealer.seal_value(Calendar, "about", row=calendar.id, data=orjson.dumps(about))
    calendar.listed_at = at
