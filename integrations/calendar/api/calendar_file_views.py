"""`/calendars/{calendar}/import` and `/export`: files of local calendars."""

from __future__ import annotations

from typing import IO, Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.access import calendar_permits
from integrations.calendar import ics_export, ics_import
from integrations.coordination import person_slots
from integrations.formats.icalendar import calendar_file_writer, icalendar_components

from .calendar_views import CalendarView
from .serializers import calendars as shapes


class BytesParser(BaseParser):
    """Reads the body as bytes, up to the size of the largest file."""

    media_type = "*/*"

    def parse(self, stream: IO[Any], *_: Any, **__: Any) -> Any:
        # One byte more, so that the reader rejects a larger file.
        data: bytes = stream.read(icalendar_components.MAX_BYTES + 1)
        return data


class CalendarImportView(CalendarView):
    parser_classes = [BytesParser]

    @extend_schema(
        operation_id="import_calendar",
        request={"text/calendar": OpenApiTypes.BINARY},
        responses={200: shapes.ImportedSerializer},
    )
    def post(self, request: Request, calendar_id: UUID, **_: Any) -> Response:
        """Import a file (RFC 5545) into an Antares calendar: all of it or nothing."""
        self.get_query(request)
        calendar_permits.refuse_change_by_client(actor=self.actor, at=self.at)
        self.count_request(request, ics_import.RATE)
        data = request.data if isinstance(request.data, bytes) else b""
        result = ics_import.import_calendar_file(
            actor=self.actor, calendar_id=calendar_id, data=data, at=self.at
        )
        return Response(
            {
                "added": result.added_count,
                "replaced": result.replaced_count,
                "removed": result.removed_count,
                "left_out": list(result.left_out),
            }
        )


class CalendarExportView(CalendarView):
    @extend_schema(
        operation_id="export_calendar",
        responses={(200, "text/calendar"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponseBase:
        """Return an Antares calendar as a file (RFC 5545). An interrupted file has no end."""
        self.get_query(request)
        calendar_permits.refuse_export_by_client(actor=self.actor, at=self.at)
        self.count_request(request, ics_export.RATE)
        with person_slots.STREAM_SLOTS.lend_slot(self.user_id) as slot:
            file_parts = ics_export.stream_calendar(
                actor=self.actor, calendar_id=calendar_id, now=timezone.now
            )
            response = StreamingHttpResponse(
                person_slots.hold_stream_slot(slot, file_parts),
                content_type=calendar_file_writer.CONTENT_TYPE,
            )
        response["Content-Disposition"] = 'attachment; filename="calendar.ics"'
        response["X-Content-Type-Options"] = "nosniff"
        return response
