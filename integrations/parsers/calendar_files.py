from __future__ import annotations

from typing import Final

from integrations.formats.icalendar import icalendar_components
from integrations.formats.icalendar.calendar_file_reader import CalendarFile
from integrations.formats.icalendar.file_problems import FileProblem, UnreadableCalendarFile

from . import calendar_file_tasks
from . import parse_requests as parsers
from .calendar_file_tasks import CALENDAR_FILE_REPLY, CalendarFileRefusal, ReadCalendarFile
from .parser_frames import UnreadableItem

# In bytes of mail, as in `parser_task_limits`: a file costs four times as much, and its zones
# and rules up to two seconds of a fast machine, regardless of its size.
_WEIGHT: Final = 4
_BASE_SIZE: Final = 16 * 1024 * 1024
_TOO_COSTLY: Final = "the file is too large or too complicated to be read"


def read_file(data: bytes, *, zone: str) -> CalendarFile:
    """
    See `calendar_file_reader.read_calendar_file`.

    :raises UnreadableCalendarFile: if a line cannot be read, or a limit is exceeded
    :raises integrations.parsers.parser_pool.ParsersBusy: if no process is free
    """
    if len(data) > icalendar_components.MAX_BYTES:
        raise UnreadableCalendarFile((FileProblem(1, icalendar_components.TOO_LARGE),))
    size = _BASE_SIZE + _WEIGHT * len(data)
    reply = parsers.run_task(ReadCalendarFile(data, zone), CALENDAR_FILE_REPLY, size=size)
    if isinstance(reply, UnreadableItem):
        raise UnreadableCalendarFile((FileProblem(1, _TOO_COSTLY),))
    if isinstance(reply, CalendarFileRefusal):
        raise UnreadableCalendarFile(tuple(reply.problems), has_more=reply.has_more)
    return calendar_file_tasks.unpack_file(reply)
