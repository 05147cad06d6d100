"""`/calendars`: a person's own, and those that are shared with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from accounts.actors import ActorKind
from integrations.asking import Asked
from integrations.calendars import catalogue, local, single
from integrations.calendars.local import About

from . import calendar_serializers as shapes
from .base import OwnView, json


class CalendarView(OwnView):
    def must_be_person(self) -> None:
        """A feature reads calendars; what stands in them is for their owner to say."""
        if self.actor.kind != ActorKind.PERSON:
            raise NotFound

    @property
    def question(self) -> Asked:
        return Asked(actor=self.actor, user_id=self.user_id, at=self.at)


class CalendarList(CalendarView):
    @extend_schema(operation_id="list_calendars", responses={200: shapes.CalendarList})
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return the person's calendars, then those that are shared with them."""
        self.asked(request)
        envelope = {"request_id": self.request_id}
        return json(catalogue.list_calendars(self.question, envelope=envelope))

    @extend_schema(
        operation_id="create_calendar",
        request=shapes.NewCalendar,
        responses={201: shapes.Calendar},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """
        Begin a calendar that lives here, in no provider.

        `version` is that of the words of `calendar` which were shown and agreed to.
        """
        self.asked(request)
        self.must_be_person()
        wanted = self.given(request, shapes.NewCalendar)
        calendar_id = local.create(
            actor=self.actor, about=_about(wanted), version=wanted["version"], at=self.at
        )
        answer = json(single.read_calendar(self.question, calendar_id))
        answer.status_code = 201
        return answer


class CalendarDetail(CalendarView):
    @extend_schema(operation_id="get_calendar", responses={200: shapes.Calendar})
    def get(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Return one calendar, and how its copy stands."""
        self.asked(request)
        return json(single.read_calendar(self.question, calendar_id))

    @extend_schema(
        operation_id="rename_calendar",
        request=shapes.CalendarAbout,
        responses={200: shapes.Calendar},
    )
    def put(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Say what a calendar of the person's own that lives here is called."""
        self.asked(request)
        self.must_be_person()
        about = _about(self.given(request, shapes.CalendarAbout))
        local.rename(actor=self.actor, calendar_id=calendar_id, about=about)
        return json(single.read_calendar(self.question, calendar_id))

    @extend_schema(operation_id="remove_calendar", responses={204: None})
    def delete(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Remove a calendar that lives here with all that is in it, for good."""
        self.asked(request)
        self.must_be_person()
        local.remove(actor=self.actor, calendar_id=calendar_id, at=self.at)
        return HttpResponse(status=204)


def _about(given: Mapping[str, Any]) -> About:
    return About(given["name"], given["timezone"], given.get("colour", ""))
