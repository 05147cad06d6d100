"""`/calendars`: a person's own, and those that are shared with them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.actors import ActorKind
from integrations.access.request_context import NotFound
from integrations.calendar import calendar_list, event_lookup, local_calendars
from integrations.calendar.local_calendars import About
from integrations.web import idempotency
from integrations.web.api.base import OwnView, json
from integrations.web.idempotency import Attempt, idempotent

from .preconditions import IF_MATCH, if_match, tagged
from .serializers import calendars as shapes


class CalendarView(OwnView):
    def must_be_person(self) -> None:
        """A feature reads calendars; what stands in them is for their owner to say."""
        if self.actor.kind != ActorKind.PERSON:
            raise NotFound


class CalendarList(CalendarView):
    @extend_schema(operation_id="list_calendars", responses={200: shapes.CalendarList})
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return the person's calendars, then those that are shared with them."""
        self.asked(request)
        envelope = {"request_id": self.request_id}
        return json(calendar_list.list_calendars(self.question, envelope=envelope))

    @extend_schema(
        operation_id="create_calendar",
        parameters=[idempotency.HEADER],
        request=shapes.NewCalendar,
        responses={201: shapes.Calendar},
    )
    @idempotent("create_calendar")
    def post(self, request: Request, *, attempt: Attempt, **_: Any) -> HttpResponse:
        """
        Begin a calendar that lives here, in no provider, once under one `Idempotency-Key`.

        `version` is that of the words of `local-calendar` which were shown and agreed to. The same
        again within 24 hours is answered with the calendar as it is by then, and
        `Idempotent-Replayed: true`; another body under the key is `key-reused`.
        """
        self.asked(request)
        self.must_be_person()
        wanted = self.given(request, shapes.NewCalendar)
        created = local_calendars.create_once(
            self.question,
            about=_about(wanted),
            version=wanted["version"],
            request=attempt.read(),
        )
        if created.is_replayed:
            return idempotency.replay(lambda: self._answer(created.calendar_id))
        return self._answer(created.calendar_id)

    def _answer(self, calendar_id: UUID) -> HttpResponse:
        return tagged(
            event_lookup.read_calendar(self.question, calendar_id), status=HTTPStatus.CREATED
        )


class CalendarDetail(CalendarView):
    @extend_schema(operation_id="get_calendar", responses={200: shapes.Calendar})
    def get(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Return one calendar, and how its copy stands."""
        self.asked(request)
        return tagged(event_lookup.read_calendar(self.question, calendar_id))

    @extend_schema(
        operation_id="rename_calendar",
        parameters=[IF_MATCH],
        request=shapes.CalendarAbout,
        responses={200: shapes.Calendar},
    )
    def put(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Say what a calendar of the person's own that lives here is called."""
        self.asked(request)
        self.must_be_person()
        etag = if_match(request)
        about = _about(self.given(request, shapes.CalendarAbout))
        local_calendars.rename(actor=self.actor, calendar_id=calendar_id, about=about, etag=etag)
        return tagged(event_lookup.read_calendar(self.question, calendar_id))

    @extend_schema(operation_id="remove_calendar", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Remove a calendar that lives here with all that is in it, for good."""
        self.asked(request)
        self.must_be_person()
        etag = if_match(request)
        local_calendars.remove(actor=self.actor, calendar_id=calendar_id, etag=etag, at=self.at)
        return HttpResponse(status=204)


def _about(given: Mapping[str, Any]) -> About:
    return About(given["name"], given["timezone"], given.get("colour", ""))
