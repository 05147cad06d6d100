"""`/free-busy`: when people have time, as far as they show it to whoever asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from integrations.calendar import free_busy, free_busy_query
from integrations.calendar.free_busy_query import Question
from integrations.web.api.base import json

from .calendar_views import CalendarView
from .serializers import free_busy as shapes


class FreeBusy(CalendarView):
    @extend_schema(
        operation_id="get_free_busy",
        request=shapes.FreeBusyQuery,
        responses={200: shapes.FreeBusy},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """
        Return when people and calendars are busy: times, and nothing of what it is.

        Known is who shares a calendar of their own with you, and you are. Everybody else is
        unknown, whether they exist or not, and so is whose copy is too old or does not reach as
        far. Nothing is changed by asking, so it may be repeated.
        """
        self.asked(request)
        wanted = self.given(request, shapes.FreeBusyQuery)
        self.count(request, free_busy_query.RATE)
        question = Question(
            people=wanted["people"],
            calendars=wanted["calendars"],
            start=wanted["start"],
            end=wanted["end"],
            zone=wanted["timezone"],
        )
        envelope = {"request_id": self.request_id}
        return json(free_busy.tell(self.question, question, envelope=envelope))
