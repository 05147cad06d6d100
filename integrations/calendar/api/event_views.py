"""`/events`: events in a window, one event, and writes of events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import wraps
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.access.request_context import Asked
from integrations.calendar import agenda, event_lookup, free_busy_query
from integrations.calendar.events import access, drafts, service
from integrations.calendar.events.drafts import Draft, Edit, Guest
from integrations.calendar.events.results import Written
from integrations.calendar.events.validation import BadDraft
from integrations.coordination import concurrency
from integrations.formats.event import Reminder, When
from integrations.web import idempotency
from integrations.web.api.base import json
from integrations.web.idempotency import Attempt, idempotent

from .calendar_views import CalendarView
from .preconditions import IF_MATCH, if_match, tagged
from .serializers import calendars as shapes
from .serializers import event_writes as write_shapes

View = Callable[..., HttpResponse]


def explains_bad_draft(method: View) -> View:
    """Decorate a method of a view: an invalid event is a 400, with a message for each field."""

    @wraps(method)
    def handle(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return method(*args, **kwargs)
        except BadDraft as error:
            messages = {name: [message] for name, message in error.fields.items()}
        raise ValidationError(messages)

    return handle


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
        parameters=[idempotency.HEADER],
        request=write_shapes.NewEvent,
        responses={201: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    @explains_bad_draft
    @idempotent("create_event", undone=service.NOT_WRITTEN)
    def post(self, request: Request, *, attempt: Attempt, **_: Any) -> HttpResponse:
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
            self.count(request, free_busy_query.RATE)
        return self._create(attempt, given)

    @concurrency.waiting()
    def _create(self, attempt: Attempt, given: Mapping[str, Any]) -> HttpResponse:
        draft, key = Draft(**to_edit(given)), attempt.read().key
        seen = access.find_calendar(self.question, given["calendar_id"])
        earlier = attempt.claim(self.question, seen.calendar.integration)
        if earlier is not None:
            row_id = earlier.event_id
            before = Written(seen.calendar.id, None if row_id is None else str(row_id))
            return idempotency.replay(
                lambda: answer(self.question, before, status=HTTPStatus.CREATED)
            )
        written = service.create(
            self.question,
            seen,
            draft,
            key=key,
            notify=given["notify"],
            require_free=given["require_free"],
        )
        event_id = None if written.id is None else UUID(written.id)
        status = HTTPStatus.ACCEPTED if event_id is None else HTTPStatus.CREATED
        attempt.complete(status=status, event_id=event_id)
        return answer(self.question, written, status=HTTPStatus.CREATED)


class EventDetail(CalendarView):
    @extend_schema(operation_id="get_event", responses={200: shapes.Event})
    def get(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Return one event, series or occurrence. `description` is sanitised HTML."""
        self.asked(request)
        return tagged(event_lookup.read_event(self.question, event_lookup.event_id(event_id)))

    @extend_schema(
        operation_id="change_event",
        parameters=[IF_MATCH],
        request=write_shapes.EventEdit,
        responses={200: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    @explains_bad_draft
    def patch(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """
        Change an event, an occurrence, or with `scope` a series from there on or as a whole.

        What somebody else changed since the version in `If-Match` stays; over the same field it
        is a 412, and nothing is written.
        """
        self.asked(request)
        etag = if_match(request)
        given = self.given(request, write_shapes.EventEdit)
        name = event_lookup.event_id(event_id)
        with concurrency.waiting():
            written = service.change(
                self.question,
                name,
                to_edit(given),
                etag=etag,
                scope=given["scope"],
                notify=given["notify"],
            )
            return answer(self.question, written)

    @extend_schema(
        operation_id="delete_event",
        parameters=[IF_MATCH, write_shapes.DeleteQuery],
        responses={204: None},
    )
    def delete(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Delete an event, or cancel an occurrence; what is gone already is no error."""
        etag = if_match(request)
        given = self.asked_of(request, write_shapes.DeleteQuery)
        name = event_lookup.event_id(event_id)
        with concurrency.waiting():
            service.delete(
                self.question, name, etag=etag, scope=given["scope"], notify=given["notify"]
            )
        return HttpResponse(status=204)


class EventMove(CalendarView):
    @extend_schema(
        operation_id="move_event",
        parameters=[IF_MATCH],
        request=write_shapes.Move,
        responses={200: shapes.Event, 202: write_shapes.WrittenElsewhere},
    )
    @explains_bad_draft
    def post(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """
        Move an event, or a whole series by its own id, to another calendar; it has another id then.

        Between calendars of one account, and between those that are kept here. What was changed
        since the version in `If-Match` is a 412, and nothing is moved.
        """
        self.asked(request)
        etag = if_match(request)
        given = self.given(request, write_shapes.Move)
        name, to = event_lookup.event_id(event_id), given["calendar_id"]
        with concurrency.waiting():
            written = service.move(self.question, name, etag=etag, to=to, notify=given["notify"])
            return answer(self.question, written)


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
        name = event_lookup.event_id(event_id)
        with concurrency.waiting():
            written = service.respond(
                self.question,
                name,
                given["status"],
                etag=etag,
                scope=given["scope"],
                notify=given["notify"],
            )
            return answer(self.question, written)


def answer(asked: Asked, written: Written, *, status: int = HTTPStatus.OK) -> HttpResponse:
    """Return the event as it is after a write; 202 without it, if Antares does not show it."""
    if written.id is None:
        return Response(
            {"status": "written", "calendar_id": written.calendar_id, "id": None},
            status=HTTPStatus.ACCEPTED,
        )
    name = event_lookup.event_id(written.id)
    return tagged(event_lookup.read_event(asked, name, seen=written.seen), status=status)


def to_edit(given: Mapping[str, Any]) -> Edit:
    edit: Edit = {}
    for name in ("title", "description", "location"):
        if name in given:
            edit[name] = given[name]
    if "when" in given:
        edit["start"], edit["end"] = _to_times(given["when"])
    if "recurrence" in given:
        edit["recurrence"] = tuple(given["recurrence"])
    if "participants" in given:
        edit["attendees"] = tuple(Guest(**guest) for guest in given["participants"])
    if "busy" in given:
        edit["is_busy"] = given["busy"]
    if "visibility" in given:
        edit["is_private"] = given["visibility"] == "private"
    if "reminders" in given:
        reminders = given["reminders"]
        edit["reminders"] = (
            None if reminders is None else tuple(Reminder(**fields) for fields in reminders)
        )
    return edit


def _to_times(when: Mapping[str, str]) -> tuple[When, When]:
    is_all_day = when["object"] == "datespan"
    times: list[When] = []
    for name in ("start", "end"):
        try:
            times.append(
                When(day=date.fromisoformat(when[name]))
                if is_all_day
                else _to_moment(when[name], when["timezone"], name)
            )
        except ValueError:
            reason = "A date." if is_all_day else "A time of RFC 3339, or one without an offset."
            raise ValidationError({f"when.{name}": [reason]}) from None
    return times[0], times[1]


def _to_moment(text: str, zone: str, name: str) -> When:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        return drafts.moment(at, zone, field=name)
    known = drafts.moment(datetime(2000, 1, 1), zone).zone  # noqa: DTZ001 - a clock time
    return When(at=at, zone=known)


def _ids(text: str | None) -> list[UUID] | None:
    if text is None:
        return None
    try:
        return [UUID(part) for part in text.split(",")]
    except ValueError:
        raise ValidationError({"calendar_id": ["Ids, with commas between."]}) from None
