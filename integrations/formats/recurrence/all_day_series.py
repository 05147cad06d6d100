"""
The day that a time means in an all-day series. Pure.

RFC 5545 requires dates in `RECURRENCE-ID`, `EXDATE` and `RDATE`. Some programs write midnight
instead: in a zone, without a zone, or in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations.formats import timezones

_ONE_DAY: Final = timedelta(days=1)
# Before 10:00 UTC, midnight is in the Americas and Hawaii; later, in Oceania, Asia, Africa and
# Europe. Few people live at other offsets (+14:00, -11:00).
_LATEST_IN_THE_WEST: Final = time(10)
# Minutes; no zone has a finer offset. Noon is not a midnight: programs write it for a day without
# a time.
_STEP: Final = 15
_NOON: Final = time(12)


def is_day_start(moment: datetime, day: date, zone: ZoneInfo) -> bool:
    """
    Return whether `day` begins at `moment` in `zone`.

    Where daylight saving time skips midnight, the day begins at the time of the change.
    """
    return timezones.to_utc(datetime.combine(day, time()), zone) == moment


def guess_all_day_date(
    moment: datetime, likely_zones: Iterable[ZoneInfo] = ()
) -> tuple[date, date]:
    """
    Return the day that most likely begins at a UTC time, and the other possible day.

    :param likely_zones: zones in which the day probably begins at that time
    """
    first = moment.date()
    following = first + _ONE_DAY
    for zone in likely_zones:
        for day, other in ((first, following), (following, first)):
            if is_day_start(moment, day, zone):
                return day, other
    return (following, first) if _is_midnight_in_the_east(moment.time()) else (first, following)


def _is_midnight_in_the_east(clock: time) -> bool:
    is_midnight = not (clock.minute % _STEP or clock.second or clock.microsecond)
    return is_midnight and clock > _LATEST_IN_THE_WEST and clock != _NOON
