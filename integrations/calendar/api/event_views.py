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

from integrations.access.request_context import RequestContext
from integrations.calendar import agenda, event_lookup, free_busy_query
from integrations.calendar.events import event_access, event_drafts, event_service
from integrations.calendar.events.event_drafts import DraftGuest, EventDraft, EventEdit
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.events.write_results import EventWriteResult
from integrations.coordination import person_slots
from integrations.formats.event_content import Reminder, When
from integrations.web import idempotency
from integrations.web.api.api_views import json_response
from integrations.web.idempotency import IdempotentAttempt, idempotent

from .calendar_views import CalendarView
from .preconditions import IF_MATCH, build_tagged_response, get_if_match
from .serializers import calendars as shapes
from .serializers import event_writes as write_shapes

ViewMethod = Callable[..., HttpResponse]


def explains_bad_draft(method: ViewMethod) -> ViewMethod:
    """Decorate a method of a view: an invalid event is a 400, with a message for each field."""

    @wraps(method)
    def handle(*args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return method(*args, **kwargs)
        except BadEventDraft as error:
            messages = {name: [message] for name, message in error.fields.items()}
        raise ValidationError(messages)

    return handle


class EventListView(CalendarView):
    query = shapes.EventListQuerySerializer

    @extend_schema(
        operation_id="list_events",
        parameters=[shapes.EventListQuerySerializer],
        responses={200: shapes.EventListSerializer},
    )
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return a page of events and occurrences of a time range, by start."""
        query = self.get_query(request)
        window = agenda.build_window(query["start"], query["end"], zone=query["timezone"])
        return json_response(
            agenda.get_event_page_json(
                self.request_context,
                window,
                calendar_ids=_parse_ids(query.get("calendar_id")),
                limit=query["limit"],
                cursor=query.get("cursor"),
                envelope={"request_id": self.request_id},
            )
        )

    @extend_schema(
        operation_id="create_event",
        parameters=[idempotency.HEADER],
        request=write_shapes.NewEventSerializer,
        responses={201: shapes.EventSerializer, 202: write_shapes.WrittenElsewhereSerializer},
    )
    @explains_bad_draft
    @idempotent("create_event", undone=event_service.NOT_WRITTEN)
    def post(self, request: Request, *, attempt: IdempotentAttempt, **_: Any) -> HttpResponse:
        """Create an event, once per `Idempotency-Key`."""
        self.check_query(request, None)
        fields = self.get_body(request, write_shapes.NewEventSerializer)
        if fields["require_free"]:
            self.count_request(request, free_busy_query.RATE)
        return self._create_event(attempt, fields)

    @person_slots.hold_wait_slot()
    def _create_event(self, attempt: IdempotentAttempt, fields: Mapping[str, Any]) -> HttpResponse:
        draft, key = EventDraft(**parse_edit(fields)), attempt.read_keyed_request().key
        visible = event_access.find_writable_calendar(self.request_context, fields["calendar_id"])
        earlier_record = attempt.claim(self.request_context, visible.calendar.integration)
        if earlier_record is not None:
            row_id = earlier_record.result_id
            earlier_result = EventWriteResult(
                visible.calendar.id, None if row_id is None else str(row_id)
            )
            return idempotency.replay(
                lambda: build_event_response(
                    self.request_context, earlier_result, status=HTTPStatus.CREATED
                )
            )
        result = event_service.create(
            self.request_context,
            visible,
            draft,
            key=key,
            notify=fields["notify"],
            require_free=[person.key for person in fields["require_free"]],
        )
        event_id = None if result.event_id is None else UUID(result.event_id)
        status = HTTPStatus.ACCEPTED if event_id is None else HTTPStatus.CREATED
        attempt.complete(status=status, result_id=event_id)
        return build_event_response(self.request_context, result, status=HTTPStatus.CREATED)


class EventDetailView(CalendarView):
    @extend_schema(operation_id="get_event", responses={200: shapes.EventSerializer})
    def get(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Return one event, series or occurrence. `description` is sanitised HTML."""
        self.get_query(request)
        return build_tagged_response(
            event_lookup.get_event_json(self.request_context, event_lookup.parse_event_id(event_id))
        )

    @extend_schema(
        operation_id="change_event",
        parameters=[IF_MATCH],
        request=write_shapes.EventEditSerializer,
        responses={200: shapes.EventSerializer, 202: write_shapes.WrittenElsewhereSerializer},
    )
    @explains_bad_draft
    def patch(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Change an event, an occurrence or a series."""
        self.get_query(request)
        etag = get_if_match(request)
        fields = self.get_body(request, write_shapes.EventEditSerializer)
        parsed_id = event_lookup.parse_event_id(event_id)
        with person_slots.hold_wait_slot():
            result = event_service.change(
                self.request_context,
                parsed_id,
                parse_edit(fields),
                etag=etag,
                scope=fields["scope"],
                notify=fields["notify"],
            )
            return build_event_response(self.request_context, result)

    @extend_schema(
        operation_id="delete_event",
        parameters=[IF_MATCH, write_shapes.DeleteQuerySerializer],
        responses={204: None},
    )
    def delete(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Delete an event, or cancel an occurrence. A missing event is no error."""
        etag = get_if_match(request)
        query = self.check_query(request, write_shapes.DeleteQuerySerializer)
        parsed_id = event_lookup.parse_event_id(event_id)
        with person_slots.hold_wait_slot():
            event_service.delete(
                self.request_context,
                parsed_id,
                etag=etag,
                scope=query["scope"],
                notify=query["notify"],
            )
        return HttpResponse(status=204)


class EventMoveView(CalendarView):
    @extend_schema(
        operation_id="move_event",
        parameters=[IF_MATCH],
        request=write_shapes.MoveSerializer,
        responses={200: shapes.EventSerializer, 202: write_shapes.WrittenElsewhereSerializer},
    )
    @explains_bad_draft
    def post(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Move an event or a series to another calendar. It gets another id."""
        self.get_query(request)
        etag = get_if_match(request)
        fields = self.get_body(request, write_shapes.MoveSerializer)
        parsed_id, destination_id = event_lookup.parse_event_id(event_id), fields["calendar_id"]
        with person_slots.hold_wait_slot():
            result = event_service.move(
                self.request_context,
                parsed_id,
                etag=etag,
                to=destination_id,
                notify=fields["notify"],
            )
            return build_event_response(self.request_context, result)


class EventResponseView(CalendarView):
    @extend_schema(
        operation_id="answer_event",
        parameters=[IF_MATCH],
        request=write_shapes.AnswerSerializer,
        responses={200: shapes.EventSerializer, 202: write_shapes.WrittenElsewhereSerializer},
    )
    def post(self, request: Request, event_id: str, **_: Any) -> HttpResponse:
        """Answer an invitation."""
        self.get_query(request)
        etag = get_if_match(request)
        fields = self.get_body(request, write_shapes.AnswerSerializer)
        parsed_id = event_lookup.parse_event_id(event_id)
        with person_slots.hold_wait_slot():
            result = event_service.respond(
                self.request_context,
                parsed_id,
                fields["status"],
                etag=etag,
                scope=fields["scope"],
                notify=fields["notify"],
            )
            return build_event_response(self.request_context, result)


def build_event_response(
    context: RequestContext, result: EventWriteResult, *, status: int = HTTPStatus.OK
) -> HttpResponse:
    """Return the event after a write; 202 without it, if Antares does not show it."""
    if result.event_id is None:
        return Response(
            {"status": "written", "calendar_id": result.calendar_id, "id": None},
            status=HTTPStatus.ACCEPTED,
        )
    parsed_id = event_lookup.parse_event_id(result.event_id)
    return build_tagged_response(
        event_lookup.get_event_json(context, parsed_id, visible=result.visible), status=status
    )


def parse_edit(body: Mapping[str, Any]) -> EventEdit:
    edit: EventEdit = {}
    for name in ("title", "description", "location"):
        if name in body:
            edit[name] = body[name]
    if "when" in body:
        edit["start"], edit["end"] = _parse_times(body["when"])
    if "recurrence" in body:
        edit["recurrence"] = tuple(body["recurrence"])
    if "participants" in body:
        edit["attendees"] = tuple(DraftGuest(**guest) for guest in body["participants"])
    if "busy" in body:
        edit["is_busy"] = body["busy"]
    if "visibility" in body:
        edit["is_private"] = body["visibility"] == "private"
    if "reminders" in body:
        reminders = body["reminders"]
        edit["reminders"] = (
            None if reminders is None else tuple(Reminder(**fields) for fields in reminders)
        )
    return edit


def _parse_times(when: Mapping[str, str]) -> tuple[When, When]:
    is_all_day = when["object"] == "datespan"
    times: list[When] = []
    for name in ("start", "end"):
        try:
            times.append(
                When(day=date.fromisoformat(when[name]))
                if is_all_day
                else _parse_moment(when[name], when["timezone"], name)
            )
        except ValueError:
            reason = (
                "Use a date, such as 2026-05-04."
                if is_all_day
                else "Use a time of RFC 3339, or a local time without an offset."
            )
            raise ValidationError({f"when.{name}": [reason]}) from None
    return times[0], times[1]


def _parse_moment(text: str, zone: str, name: str) -> When:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        return event_drafts.resolve_clock_time(at, zone, field=name)
    known = event_drafts.resolve_clock_time(datetime(2000, 1, 1), zone).zone  # noqa: DTZ001 - a clock time
    return When(at=at, zone=known)


def _parse_ids(text: str | None) -> list[UUID] | None:
    if text is None:
        return None
    try:
        return [UUID(part) for part in text.split(",")]
    except ValueError:
        raise ValidationError({"calendar_id": ["Ids, separated by commas."]}) from None
