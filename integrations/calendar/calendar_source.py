"""Antares calendars that a worker passes on to the owner's Drive, as iCalendar files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from integrations.access import drive_permits
from integrations.access.request_context import ObjectNotFound
from integrations.models import LIVE, Calendar, DriveFile
from integrations.outbox import file_sources
from integrations.outbox.file_sources import SourceFile, SourceGone
from limited_use.sinks import drive_sink
from limited_use.sinks.drive_sink import SealedRow, Shape
from limited_use.sinks.provider_sink import ProviderOutlet

from . import ics_export

_CONTENT_TYPE = "text/calendar"


@dataclass(frozen=True, slots=True)
class _DriveRecipient:
    """See `ics_export.CalendarRecipient`."""

    file: DriveFile
    calendar: Calendar
    to: ProviderOutlet

    def build_part(self, rows: Sequence[SealedRow], shape: Shape, *, at: datetime) -> bytes:
        permits = drive_permits.to_save_calendar(
            file=self.file, calendar=self.calendar, count=len(rows), at=at
        )
        return drive_sink.build_file_part(rows, permits=permits, to=self.to, shape=shape, at=at)

    def check_calendar(self) -> None:
        if _find_calendar(self.file) is None:
            raise ObjectNotFound


class CalendarSource:
    """See `integrations.outbox.file_sources.FileSource`."""

    # Events may change, and each names the time of the file.
    is_repeatable = False

    def open_file(
        self,
        file: DriveFile,
        *,
        to: ProviderOutlet,
        at: datetime,  # noqa: ARG002 - each part has its own time
    ) -> SourceFile:
        calendar = _find_calendar(file)
        if calendar is None:
            raise SourceGone
        pieces = ics_export.write_calendar(_DriveRecipient(file, calendar, to), now=timezone.now)
        return SourceFile(make_filename(file.created_at), _CONTENT_TYPE, pieces)


def make_filename(at: datetime) -> str:
    """Return a name without the calendar's own: that is sealed, and file names leak."""
    return f"antares-calendar-{at:%Y-%m-%d}.ics"


def _find_calendar(file: DriveFile) -> Calendar | None:
    """:raises SourceGone: if the row names no calendar"""
    source_id, integration_id = file_sources.get_source_ids(file)
    own_calendars = Calendar.objects.live().owned_by(file.user_id, file.organisation_id)
    return own_calendars.filter(
        id=source_id,
        integration_id=integration_id,
        is_local=True,
        integration__status__in=LIVE,
    ).first()
