"""`/free-busy`: busy times of people, if they show them to the actor."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from integrations.calendar import free_busy, free_busy_query
from integrations.calendar.free_busy_query import FreeBusyQuery
from integrations.web.api.api_views import json_response
from limited_use.policy.policy_vocabulary import DataClass

from .calendar_views import CalendarView
from .serializers import free_busy as shapes


class FreeBusyView(CalendarView):
    data_class = DataClass.CALENDAR_FREEBUSY

    @extend_schema(
        operation_id="get_free_busy",
        request=shapes.FreeBusyQuerySerializer,
        responses={200: shapes.FreeBusySerializer},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """Return when people and calendars are busy, without details."""
        self.get_query(request)
        body = self.get_body(request, shapes.FreeBusyQuerySerializer)
        self.count_request(request, free_busy_query.RATE)
        query = FreeBusyQuery(
            people=[person.key for person in body["people"]],
            calendars=body["calendars"],
            start=body["start"],
            end=body["end"],
            zone=body["timezone"],
        )
        envelope = {"request_id": self.request_id}
        return json_response(
            free_busy.get_free_busy_json(
                self.request_context, query, people=body["people"], envelope=envelope
            )
        )
