"""
The day that a time stands for, in a series of whole days. Pure.

RFC 5545 wants `RECURRENCE-ID`, `EXDATE` and `RDATE` of such a series to be dates. Programs also
write the midnight with which the day begins: on the clock of a zone, on no zone's clock, or in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from integrations import zones

_ONE_DAY: Final = timedelta(days=1)
# Until ten o'clock UTC a day begins in the Americas, Hawaii included; after that the next day
# begins in Oceania, Asia, Africa and Europe. Few people live by other clocks (+14:00, -11:00).
_LATEST_IN_THE_WEST: Final = time(10)
# No zone's offset is finer. Noon is no midnight: programs write it for a day without a time.
_STEP: Final = 15
_NOON: Final = time(12)


def of_moment(moment: datetime, likely: Iterable[ZoneInfo] = ()) -> tuple[date, date]:
    """
    Return the day that a moment in UTC most likely begins, and the other day that it could.

    :param likely: zones in one of which that day probably begins
    """
    first = moment.date()
    following = first + _ONE_DAY
    for place in likely:
        for day, other in ((first, following), (following, first)):
            if zones.at(datetime.combine(day, time()), place) == moment:
                return day, other
    return (following, first) if _is_midnight_in_the_east(moment.time()) else (first, following)


def _is_midnight_in_the_east(clock: time) -> bool:
    is_midnight = not (clock.minute % _STEP or clock.second or clock.microsecond)
    return is_midnight and clock > _LATEST_IN_THE_WEST and clock != _NOON
