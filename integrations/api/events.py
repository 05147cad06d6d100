"""`/events`: what happens in a window, and one event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from integrations.calendars import agenda, busy, single

from . import calendar_serializers as shapes
from . import event_write_shapes as write_shapes
from . import event_writes
from .base import json
from .calendars import CalendarView
from .conditions import IF_MATCH, KEY, if_match, tagged


class EventList(CalendarView):
    query = shapes.EventListQuery

    @extend_schema(
        operation_id="list_events",
        parameters=[shapes.EventListQuery],
        responses={200: shapes.EventList},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """
        Return a page of what happens in a window over all calendars, by start.

        `calendars` says of each whether its events are here, and how its copy stands. A page may
        be short, or have no data, though `has_more` is true: so much happens then.
        """
        given = self.asked(request)
        inside = agenda.window(given["start"], given["end"], zone=given["timezone"])
        return json(
            agenda.list_events(
                self.question,
                inside,
                calendar_ids=_ids(given.get("calendar_id")),
                limit=given["limit"],
                cursor=given.get("cursor"),
                envelope={"request_id": self.request_id},
            )
        )

    @extend_schema(
        operation_id="create_event",
        parameters=[KEY],
        request=write_shapes.NewEvent,
        responses={201: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    def post(self, request: Request, **_: Any) -> HttpResponse:
        """
        Write a new event, once under one `Idempotency-Key`, for 24 hours.

        The same again is answered with the same status and the event as it is by then, with
        `Idempotent-Replayed: true`; another body under the key is `key-reused`, and while the
        first is still being answered the second is `in-progress`, which says when it can be sent
        again.
        """
        self.asked_of(request, None)
        given = self.given(request, write_shapes.NewEvent)
        if given["require_free"]:
            self.count(request, busy.RATE)
        return event_writes.create(self.question, request, given)


class EventDetail(CalendarView):
    @extend_schema(operation_id="get_event", responses={200: shapes.Event})
    def get(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Return one event, series or occurrence. `description` is sanitised HTML."""
        self.asked(request)
        return tagged(single.read_event(self.question, single.event_id(event_id)))

    @extend_schema(
        operation_id="change_event",
        parameters=[IF_MATCH],
        request=write_shapes.EventEdit,
        responses={200: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    def patch(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """
        Change an event, an occurrence, or with `scope` a series from there on or as a whole.

        What somebody else changed since the version in `If-Match` stays; over the same field it
        is a 412, and nothing is written.
        """
        self.asked(request)
        etag = if_match(request)
        given = self.given(request, write_shapes.EventEdit)
        return event_writes.change(self.question, single.event_id(event_id), given, etag=etag)

    @extend_schema(
        operation_id="delete_event",
        parameters=[IF_MATCH, write_shapes.DeleteQuery],
        responses={204: None},
    )
    def delete(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Delete an event, or cancel an occurrence; what is gone already is no error."""
        etag = if_match(request)
        given = self.asked_of(request, write_shapes.DeleteQuery)
        event_writes.delete(self.question, single.event_id(event_id), given, etag=etag)
        return HttpResponse(status=204)


class EventMove(CalendarView):
    @extend_schema(
        operation_id="move_event",
        parameters=[IF_MATCH],
        request=write_shapes.Move,
        responses={200: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    def post(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """
        Move an event, or a whole series by its own id, to another calendar; it has another id then.

        Between calendars of one account, and between those that are kept here. What was changed
        since the version in `If-Match` is a 412, and nothing is moved.
        """
        self.asked(request)
        etag = if_match(request)
        given = self.given(request, write_shapes.Move)
        return event_writes.move(self.question, single.event_id(event_id), given, etag=etag)


class EventResponse(CalendarView):
    @extend_schema(
        operation_id="answer_event",
        parameters=[IF_MATCH],
        request=write_shapes.Answer,
        responses={200: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    def post(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """
        Answer an invitation for the person whose calendar it is in.

        If what they are invited to is no longer as in the version in `If-Match`, it is a 412, and
        nothing is answered; who else comes does not count.
        """
        self.asked(request)
        etag = if_match(request)
        given = self.given(request, write_shapes.Answer)
        return event_writes.respond(self.question, single.event_id(event_id), given, etag=etag)


def _ids(text: str | None) -> list[UUID] | None:
    if text is None:
        return None
    try:
        return [UUID(one) for one in text.split(",")]
    except ValueError:
        raise ValidationError({"calendar_id": ["Ids, with commas between."]}) from None
