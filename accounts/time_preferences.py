"""
The time zone and the date format of a person: guessed at the first sign-in, changed in the profile.

The browser tells its zone in a hidden field of the sign-in form, and its languages in a header.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from django.conf import settings
from django.http import HttpRequest

from accounts.models import DateFormat, User

#: The hidden field of sign-in forms, filled in by `antares/time-zone.js`.
FIELD: Final = "time_zone"

_MONTH_FIRST: Final = frozenset({"us", "ph"})
_DAY_FIRST_12: Final = frozenset({"au", "in", "nz", "pk", "eg", "sg", "my"})
_ISO_REGIONS: Final = frozenset({"se", "lt", "hu"})
_ISO_LANGUAGES: Final = frozenset({"sv", "lt", "hu", "zh", "ja", "ko"})


@cache
def list_time_zones() -> Sequence[str]:
    """Return UTC and the names of zones with a place, sorted."""
    return sorted(
        name
        for name in available_timezones()
        if name == "UTC" or ("/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))
    )


def guess_time_preferences(request: HttpRequest, user: User) -> None:
    """Save what the browser tells, unless the person has a time zone or the zone is unknown."""
    zone = request.POST.get(FIELD, "")
    # The staff site shows UTC alone, and may not write this.
    if settings.SITE == "staff" or user.time_zone or zone not in available_timezones():
        return
    date_format = guess_date_format(request.headers.get("Accept-Language", ""))
    # A choice of the person, made in another window, wins.
    User.objects.filter(pk=user.pk, time_zone="").update(time_zone=zone, date_format=date_format)
    user.time_zone, user.date_format = zone, date_format


def save_time_preferences(user: User, *, time_zone: str, date_format: DateFormat) -> None:
    """:param time_zone: a name of the IANA database"""
    user.time_zone, user.date_format = time_zone, date_format
    user.save(update_fields=["time_zone", "date_format"])


def guess_date_format(accept_language: str) -> DateFormat:
    """
    Return the usual format of the first language.

    :param accept_language: the header (RFC 9110, section 12.5.4)
    """
    first_language = accept_language.partition(",")[0].partition(";")[0].strip().lower()
    language, _, rest = first_language.partition("-")
    region = rest.rpartition("-")[2]
    if region in _MONTH_FIRST:
        return DateFormat.MONTH_FIRST
    if region in _DAY_FIRST_12:
        return DateFormat.DAY_FIRST_12
    if region in _ISO_REGIONS or language in _ISO_LANGUAGES:
        return DateFormat.ISO
    return DateFormat.DAY_FIRST
