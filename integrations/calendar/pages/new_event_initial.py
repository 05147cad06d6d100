"""Initial values of a new event, from the URL's query."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest

from integrations.access.request_context import RequestContext
from integrations.calendar import free_busy_access

from . import calendar_preferences, view_ranges
from .event_form import get_blank_values

_NOON: Final = 12
_HOURS: Final = 24
_HOUR: Final = timedelta(hours=1)
_MAX_MINUTES: Final = 24 * 60


def build_query(start: datetime, end: datetime, *, zone: str, people: list[UUID]) -> str:
    """
    :param start: local time in `zone`, like `end`
    :param people: ids of invited colleagues: URLs never contain mail addresses
    """
    parameters = {
        "day": start.date().isoformat(),
        "at": f"{start:%H:%M}",
        "minutes": int((end - start) / timedelta(minutes=1)),
        "zone": zone,
    }
    return urlencode([*parameters.items(), *(("with", str(user_id)) for user_id in people)])


def get_initial(request: HttpRequest, request_context: RequestContext) -> dict[str, Any]:
    parameters = request.GET
    today = calendar_preferences.get_today(request, request_context.at)
    day, is_days = today, parameters.get("all") == "day"
    with suppress(ValueError):
        day = date.fromisoformat(parameters.get("day", ""))
    if not view_ranges.is_day_supported(day):
        day = today
    values = get_blank_values(
        datetime.combine(day, _parse_time(request)), _parse_length(request), is_days=is_days
    )
    if parameters.get("zone") in calendar_preferences.ZONES:
        values["zone"] = parameters["zone"]
    if people := request.GET.getlist("with"):
        values["guests"] = "\n".join(_get_addresses(request_context, people))
    if "at" in parameters:
        # The search found a time when all are free.
        values["require_free"] = True
    return values


def _parse_time(request: HttpRequest) -> time:
    with suppress(ValueError):
        return time.fromisoformat(request.GET.get("at", "")).replace(tzinfo=None)
    hour = request.GET.get("hour", "")
    if hour.isdecimal() and len(hour) <= 2 and int(hour) < _HOURS:  # noqa: PLR2004 - digits
        return time(int(hour))
    return time(_NOON)


def _parse_length(request: HttpRequest) -> timedelta:
    minutes = request.GET.get("minutes", "")
    if minutes.isdecimal() and len(minutes) <= 4 and 0 < int(minutes) <= _MAX_MINUTES:  # noqa: PLR2004 - digits
        return timedelta(minutes=int(minutes))
    return _HOUR


def _get_addresses(request_context: RequestContext, ids: list[str]) -> list[str]:
    """Only people who share a calendar with the viewer have an address here."""
    addresses = {
        str(user_id): person.address
        for user_id, person in free_busy_access.list_colleagues(request_context).items()
    }
    return [address for user_id in dict.fromkeys(ids) if (address := addresses.get(user_id))]
