"""`/availability`: when people could meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from integrations.calendar import free_busy_query, meeting_times
from integrations.calendar.meeting_times import Participant, Search
from integrations.formats.recurrence.meeting_slots import Meeting
from integrations.web.api.base import json

from .calendar_views import CalendarView
from .serializers import availability as shapes


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
        self.count(request, free_busy_query.RATE)
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
