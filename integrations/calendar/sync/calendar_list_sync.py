"""
Which calendars the account has: listed whole each time.

They are few, so it is one call. What changed since a token would not do: a copy that ended took
its calendar's name along, and nobody tells again what did not change.
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
from limited_use.vault.keys import Shut
from limited_use.vault.sealing import Sealer

from . import work_items
from .session import Run

CALENDAR: Final = "calendar"
# More than anybody looks at; what lies beyond is not brought in.
MOST: Final = 500
# Of up to a hundred calendars each.
_MOST_PAGES: Final = 50
# In characters; providers allow fewer.
_LONGEST_NAME: Final = 1_000
_LONGEST_COLOUR: Final = 64


def advance(run: Run) -> bool:
    """List them, and write what there is now. Return that nothing is left to do."""
    listed = _listed(run)
    at = run.clock.now()
    # Blind under the integration's key, which lasts; what is sealed goes with each copy.
    own = run.sealer(run.integration.id)
    with transaction.atomic(durable=True):
        run.hold(at=at)
        _write(run, listed, own, at)
    return True


def _listed(run: Run) -> list[RemoteCalendar]:
    # By id: of one that is listed twice, the last word counts.
    found: dict[str, RemoteCalendar] = {}
    page: str | None = None
    for _ in range(_MOST_PAGES):
        answer = run.session.call(partial(run.adapter.calendars, page=page))
        found |= {one.calendar_id: one for one in answer.calendars}
        page = answer.next_page
        if page is None or len(found) >= MOST:
            return list(found.values())[:MOST]
    raise errors.Unexpected("the list of calendars does not end")


def _write(run: Run, listed: Sequence[RemoteCalendar], own: Sealer, at: datetime) -> None:
    mine = (
        Calendar.objects.filter(integration=run.integration)
        .select_for_update(no_key=True)
        .order_by("id")
    )
    held = {bytes(one.remote_blind): one for one in mine}
    fresh: list[UUID] = []
    for remote in listed:
        blind = own.blind(CALENDAR, remote.calendar_id)
        calendar = held.pop(blind, None)
        if calendar is None:
            calendar = _new(run, blind, at)
            fresh.append(calendar.id)
        if calendar.cleared_at is None:
            with suppress(Shut):
                # Or it stands as it is: once its copy is too old, another begins under a new key.
                _describe(run, calendar, remote, at=at)
        calendar.role, calendar.is_primary = remote.role, remote.is_primary
        calendar.gone_at = None
        calendar.save()
    for gone in held.values():
        if gone.gone_at is None:
            # Shown no more from this commit on; a sweep removes it.
            gone.gone_at = at
            gone.save(update_fields=["gone_at"])
    work_items.open_for(integration_id=run.integration.id, calendar_ids=fresh, at=at)


def _new(run: Run, blind: bytes, at: datetime) -> Calendar:
    return Calendar(
        id=uuid7(),
        integration=run.integration,
        user_id=run.user_id,
        organisation_id=run.organisation_id,
        remote_blind=blind,
        added_at=at,
        asked_at=at,
    )


def _describe(run: Run, calendar: Calendar, remote: RemoteCalendar, *, at: datetime) -> None:
    key_holders.begin_copy(calendar, epoch=run.epoch, at=at)
    sealer = run.sealer(calendar.cache_id)
    about = {
        "id": remote.calendar_id,
        "name": remote.name[:_LONGEST_NAME],
        "zone": remote.zone,
        "colour": remote.colour[:_LONGEST_COLOUR],
    }
    calendar.about = sealer.seal(Calendar, "about", row=calendar.id, data=orjson.dumps(about))
    calendar.listed_at = at
