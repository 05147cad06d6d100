"""How somebody wants to look at calendars, kept in their session."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

from django.http import HttpRequest

from integrations.formats.timezones import UnknownZone

from . import view_ranges

_ZONE: Final = "calendar_zone"
_VIEW: Final = "calendar_view"
_HIDDEN: Final = "calendar_hidden"
_KEYS: Final = "calendar_keys"
# What can be chosen: places, and the one clock that is of none.
ZONES: Final = frozenset(name for name in available_timezones() if "/" in name or name == "UTC")
# Calendars of others that can be hidden at a time.
_MOST: Final = 200


def zone(request: HttpRequest) -> str | None:
    """
    Return the zone that they chose; None: that of their calendar.

    Only what they said themselves is kept: a calendar's own zone is a provider's word, and stays
    sealed.
    """
    chosen = request.session.get(_ZONE)
    return chosen if isinstance(chosen, str) and chosen in ZONES else None


def choose_zone(request: HttpRequest, name: str) -> None:
    """
    Keep a zone; with an empty name, go back to the calendar's own.

    :raises UnknownZone: if there is none of that name
    """
    if name and name not in ZONES:
        raise UnknownZone
    _keep(request, _ZONE, name or None)


def view(request: HttpRequest) -> str:
    """Return the view that is asked for, or the one that they looked at last."""
    asked = request.GET.get("view") or request.session.get(_VIEW)
    return asked if isinstance(asked, str) and asked in view_ranges.VIEWS else "week"


def remember_view(request: HttpRequest, chosen: str) -> None:
    _keep(request, _VIEW, chosen)


def hidden(request: HttpRequest) -> Collection[UUID]:
    """Return the calendars of others that they do not want to see."""
    return {UUID(one) for one in request.session.get(_HIDDEN, ())}


def hide(request: HttpRequest, calendar_id: UUID, *, is_hidden: bool) -> None:
    found = [one for one in request.session.get(_HIDDEN, ()) if one != str(calendar_id)]
    _keep(request, _HIDDEN, [*found, str(calendar_id)][-_MOST:] if is_hidden else found)


def keys(request: HttpRequest) -> bool:
    """Return whether single letters lead somewhere."""
    return bool(request.session.get(_KEYS, True))


def switch_keys(request: HttpRequest, *, is_on: bool) -> None:
    _keep(request, _KEYS, is_on)


def _keep(request: HttpRequest, name: str, value: Any) -> None:
    # Written only when it changes: a session is a row.
    if request.session.get(name) != value:
        request.session[name] = value
