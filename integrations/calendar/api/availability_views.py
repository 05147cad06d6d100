"""`/availability`: find times at which people can meet."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from integrations.calendar import free_busy_query, meeting_times
from integrations.calendar.meeting_times import MeetingParticipant, MeetingSearch
from integrations.formats.recurrence.meeting_slots import MeetingRequest
from integrations.web.api.api_views import json_response
from limited_use.policy.policy_vocabulary import DataClass

from .calendar_views import CalendarView
from .serializers import availability as shapes


class AvailabilityView(CalendarView):
    data_class = DataClass.CALENDAR_FREEBUSY

    @extend_schema(
        operation_id="find_availability",
        request=shapes.AvailabilityQuerySerializer,
        responses={200: shapes.AvailabilitySerializer},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """Return times at which all required participants are free."""
        self.get_query(request)
        query = self.get_body(request, shapes.AvailabilityQuerySerializer)
        self.count_request(request, free_busy_query.RATE)
        envelope = {"request_id": self.request_id}
        return json_response(
            meeting_times.get_meeting_times_json(
                self.request_context,
                _parse_search(query),
                people=[participant["user_id"] for participant in query["participants"]],
                envelope=envelope,
            )
        )


def _parse_search(query: dict[str, Any]) -> MeetingSearch:
    common_hours = shapes.parse_hours(query.get("hours"))
    return MeetingSearch(
        meeting=MeetingRequest(
            duration=timedelta(minutes=query["duration_minutes"]),
            step=timedelta(minutes=query["step_minutes"]),
            before=timedelta(minutes=query["buffer_before_minutes"]),
            after=timedelta(minutes=query["buffer_after_minutes"]),
            most=query["limit"],
        ),
        participants=[
            MeetingParticipant(
                participant["user_id"].key,
                participant["required"],
                shapes.parse_hours(participant["hours"])
                if "hours" in participant
                else common_hours,
            )
            for participant in query["participants"]
        ],
        start=query["start"],
        end=query["end"],
        zone=query["timezone"],
    )
