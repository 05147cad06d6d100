"""`/free-busy`: when people have time, as far as they show it to whoever asks."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from integrations.calendars import free_busy
from integrations.calendars.busy import Question

from . import free_busy_shapes as shapes
from .base import json
from .bodies import Body
from .calendars import CalendarView


class AskingView(CalendarView):
    """A question that is posted, so that who is asked about stands in no address and no log."""

    def wanted(self, request: Request, shape: type[Body]) -> dict[str, Any]:
        """
        Return what is asked for.

        :raises ValidationError: if the body is not of that shape
        :raises ParseError: if it is no JSON
        """
        self.asked(request)
        try:
            body = request.data
        except RecursionError:
            # Brackets by the thousand: there is no such question.
            raise ParseError from None
        given = shape(data=body, context={"user_id": self.user_id})
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


class FreeBusy(AskingView):
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
        wanted = self.wanted(request, shapes.FreeBusyQuery)
        question = Question(
            people=wanted["people"],
            calendars=wanted["calendars"],
            start=wanted["start"],
            end=wanted["end"],
            zone=wanted["timezone"],
        )
        envelope = {"request_id": self.request_id}
        return json(free_busy.tell(self.question, question, envelope=envelope))
