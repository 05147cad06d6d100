"""`/calendars`: own calendars, and those that are shared with the person."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from accounts.actors import Actor
from integrations.access import calendar_permits, client_purposes
from integrations.calendar import calendar_list, event_lookup, local_calendars
from integrations.calendar.local_calendars import LocalCalendarProperties
from integrations.web import idempotency
from integrations.web.api.api_views import UserDataView, json_response
from integrations.web.idempotency import IdempotentAttempt, idempotent
from limited_use.policy.policy_vocabulary import DataClass, Purpose

from .preconditions import IF_MATCH, build_tagged_response, get_if_match
from .serializers import calendars as shapes


class CalendarView(UserDataView):
    #: The data that the view is about.
    data_class = DataClass.CALENDAR_EVENT

    def check_client(self, actor: Actor) -> None:
        super().check_client(actor)
        client_purposes.refuse_other_purpose(
            actor=actor,
            data_class=self.data_class,
            purpose=Purpose.CALENDAR_SCHEDULE,
            at=self.at,
        )


class CalendarListView(CalendarView):
    @extend_schema(operation_id="list_calendars", responses={200: shapes.CalendarListSerializer})
    def get(self, request: Request, **_: Any) -> HttpResponse:
        """Return the person's calendars, then those that are shared with them."""
        self.get_query(request)
        envelope = {"request_id": self.request_id}
        return json_response(
            calendar_list.get_calendar_list_json(self.request_context, envelope=envelope)
        )

    @extend_schema(
        operation_id="create_calendar",
        parameters=[idempotency.HEADER],
        request=shapes.NewCalendarSerializer,
        responses={201: shapes.CalendarSerializer},
    )
    @idempotent("create_calendar")
    def post(self, request: Request, *, attempt: IdempotentAttempt, **_: Any) -> HttpResponse:
        """Create an Antares calendar, once per `Idempotency-Key`."""
        self.get_query(request)
        calendar_permits.refuse_change_by_client(actor=self.actor, at=self.at)
        fields = self.get_body(request, shapes.NewCalendarSerializer)
        created = local_calendars.create_local_calendar_once(
            self.request_context,
            properties=_parse_properties(fields),
            version=fields["version"],
            request=attempt.read_keyed_request(),
        )
        if created.is_replayed:
            return idempotency.replay(lambda: self._build_response(created.calendar_id))
        return self._build_response(created.calendar_id)

    def _build_response(self, calendar_id: UUID) -> HttpResponse:
        return build_tagged_response(
            event_lookup.get_calendar_json(self.request_context, calendar_id),
            status=HTTPStatus.CREATED,
        )


class CalendarDetailView(CalendarView):
    @extend_schema(operation_id="get_calendar", responses={200: shapes.CalendarSerializer})
    def get(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Return a calendar and the state of its copy."""
        self.get_query(request)
        return build_tagged_response(
            event_lookup.get_calendar_json(self.request_context, calendar_id)
        )

    @extend_schema(
        operation_id="rename_calendar",
        parameters=[IF_MATCH],
        request=shapes.CalendarAboutSerializer,
        responses={200: shapes.CalendarSerializer},
    )
    def put(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Set name, time zone and colour of an Antares calendar."""
        self.get_query(request)
        calendar_permits.refuse_change_by_client(actor=self.actor, at=self.at)
        etag = get_if_match(request)
        properties = _parse_properties(self.get_body(request, shapes.CalendarAboutSerializer))
        local_calendars.rename_local_calendar(
            actor=self.actor, calendar_id=calendar_id, properties=properties, etag=etag
        )
        return build_tagged_response(
            event_lookup.get_calendar_json(self.request_context, calendar_id)
        )

    @extend_schema(operation_id="remove_calendar", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, calendar_id: UUID, **_: Any) -> HttpResponse:
        """Remove an Antares calendar with all its events."""
        self.get_query(request)
        calendar_permits.refuse_change_by_client(actor=self.actor, at=self.at)
        etag = get_if_match(request)
        local_calendars.remove_local_calendar(
            actor=self.actor, calendar_id=calendar_id, etag=etag, at=self.at
        )
        return HttpResponse(status=204)


def _parse_properties(fields: Mapping[str, Any]) -> LocalCalendarProperties:
    return LocalCalendarProperties(fields["name"], fields["timezone"], fields.get("colour", ""))
