"""What a form for a new event begins with, by the address that led to it."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest

from integrations.access.request_context import Asked
from integrations.calendar import free_busy_access

from . import preferences, view_ranges
from .forms import blank

_NOON: Final = 12
_HOURS: Final = 24
_HOUR: Final = timedelta(hours=1)
_LONGEST: Final = 24 * 60


def query(start: datetime, end: datetime, *, zone: str, people: list[UUID]) -> str:
    """
    Return the query of an address at which a form begins with a time that was found.

    :param start: on the clocks of `zone`, as `end` is
    :param people: colleagues who are to come, by id: no address stands in an address
    """
    asked = {
        "day": start.date().isoformat(),
        "at": f"{start:%H:%M}",
        "minutes": int((end - start) / timedelta(minutes=1)),
        "zone": zone,
    }
    return urlencode([*asked.items(), *(("with", str(one)) for one in people)])


def initial(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    given = request.GET
    day, is_days = asked.at.date(), given.get("all") == "day"
    with suppress(ValueError):
        day = date.fromisoformat(given.get("day", ""))
    if not view_ranges.is_possible(day):
        day = asked.at.date()
    begun = blank(datetime.combine(day, _clock(request)), _length(request), is_days=is_days)
    if given.get("zone") in preferences.ZONES:
        begun["zone"] = given["zone"]
    if people := request.GET.getlist("with"):
        begun["guests"] = "\n".join(_addresses(asked, people))
    if "at" in given:
        # It was found because they are free then.
        begun["require_free"] = True
    return begun


def _clock(request: HttpRequest) -> time:
    with suppress(ValueError):
        return time.fromisoformat(request.GET.get("at", "")).replace(tzinfo=None)
    given = request.GET.get("hour", "")
    if given.isdecimal() and len(given) <= 2 and int(given) < _HOURS:  # noqa: PLR2004 - digits
        return time(int(given))
    return time(_NOON)


def _length(request: HttpRequest) -> timedelta:
    given = request.GET.get("minutes", "")
    if given.isdecimal() and len(given) <= 4 and 0 < int(given) <= _LONGEST:  # noqa: PLR2004 - digits
        return timedelta(minutes=int(given))
    return _HOUR


def _addresses(asked: Asked, ids: list[str]) -> list[str]:
    """Return the addresses of those among them who share a calendar with whoever asks."""
    found = {str(one): person.address for one, person in free_busy_access.colleagues(asked).items()}
    return [address for one in dict.fromkeys(ids) if (address := found.get(one))]
