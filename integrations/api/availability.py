"""`/availability`: when people could meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from integrations.almanac.slots import Meeting
from integrations.calendars import busy, meeting_times
from integrations.calendars.meeting_times import Participant, Search

from . import availability_shapes as shapes
from .base import json
from .calendars import CalendarView


class Availability(CalendarView):
    @extend_schema(
        operation_id="find_availability",
        request=shapes.AvailabilityQuery,
        responses={200: shapes.Availability},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """
        Return when people could meet: in everybody's hours, and in nobody's way.

        Whoever has to be there can come to every slot. Of more slots than `limit` those are
        returned that most of the others can come to. Who is unknown is said (see
        `get_free_busy`): what nobody can tell is never free. Nothing is booked by asking.
        """
        self.asked(request)
        wanted = self.given(request, shapes.AvailabilityQuery)
        self.count(request, busy.RATE)
        envelope = {"request_id": self.request_id}
        return json(meeting_times.find(self.question, _search(wanted), envelope=envelope))


def _search(wanted: dict[str, Any]) -> Search:
    common = shapes.hours(wanted.get("hours"))
    return Search(
        meeting=Meeting(
            duration=timedelta(minutes=wanted["duration_minutes"]),
            step=timedelta(minutes=wanted["step_minutes"]),
            before=timedelta(minutes=wanted["buffer_before_minutes"]),
            after=timedelta(minutes=wanted["buffer_after_minutes"]),
            most=wanted["limit"],
        ),
        participants=[
            Participant(
                one["user_id"],
                one["required"],
                shapes.hours(one["hours"]) if "hours" in one else common,
            )
            for one in wanted["participants"]
        ],
        start=wanted["start"],
        end=wanted["end"],
        zone=wanted["timezone"],
    )
