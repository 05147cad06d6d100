"""Display preferences of the calendar pages, stored in the session."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest

from accounts.models import User
from integrations.formats.timezones import UnknownZone

from . import view_ranges

_ZONE: Final = "calendar_zone"
_VIEW: Final = "calendar_view"
_HIDDEN: Final = "calendar_hidden"
_KEYS: Final = "calendar_keys"
# Zones with a place, and UTC.
ZONES: Final = frozenset(name for name in available_timezones() if "/" in name or name == "UTC")
# Maximum number of hidden shared calendars.
_MAX_HIDDEN: Final = 200


def get_zone(request: HttpRequest) -> str | None:
    """
    Return the zone chosen for this session, else that of the person's profile.

    None: use the zone of a calendar. It comes from a provider and stays sealed.
    """
    return get_chosen_zone(request) or get_own_zone(request)


def get_chosen_zone(request: HttpRequest) -> str | None:
    chosen = request.session.get(_ZONE)
    return chosen if isinstance(chosen, str) and chosen in ZONES else None


def get_own_zone(request: HttpRequest) -> str | None:
    """Return the zone of the person's profile."""
    user = request.user
    return (user.time_zone or None) if isinstance(user, User) else None


def get_today(request: HttpRequest, at: datetime) -> date:
    """Return the day in the person's zone; in UTC if only a calendar has a zone."""
    return at.astimezone(ZoneInfo(get_zone(request) or "UTC")).date()


def choose_zone(request: HttpRequest, name: str) -> None:
    """
    Store a time zone; an empty name restores the default.

    :raises UnknownZone:
    """
    if name and name not in ZONES:
        raise UnknownZone
    _store_preference(request, _ZONE, name or None)


def get_calendar_view(request: HttpRequest) -> str:
    """Return the requested view, else the last one."""
    chosen = request.GET.get("view") or request.session.get(_VIEW)
    return chosen if isinstance(chosen, str) and chosen in view_ranges.VIEWS else "week"


def remember_view(request: HttpRequest, chosen: str) -> None:
    _store_preference(request, _VIEW, chosen)


def get_hidden_ids(request: HttpRequest) -> Collection[UUID]:
    return {UUID(calendar_id) for calendar_id in request.session.get(_HIDDEN, ())}


def hide_calendar(request: HttpRequest, calendar_id: UUID, *, is_hidden: bool) -> None:
    hidden_ids = [
        hidden_id for hidden_id in request.session.get(_HIDDEN, ()) if hidden_id != str(calendar_id)
    ]
    _store_preference(
        request,
        _HIDDEN,
        [*hidden_ids, str(calendar_id)][-_MAX_HIDDEN:] if is_hidden else hidden_ids,
    )


def has_shortcuts(request: HttpRequest) -> bool:
    return bool(request.session.get(_KEYS, True))


def switch_shortcuts(request: HttpRequest, *, is_on: bool) -> None:
    _store_preference(request, _KEYS, is_on)


def _store_preference(request: HttpRequest, name: str, value: Any) -> None:
    # Write only changes: each write updates the session's row.
    if request.session.get(name) != value:
        request.session[name] = value
