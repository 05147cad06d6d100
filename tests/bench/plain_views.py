"""
Baselines of `features`: our views of a thread, a message and events, less guard, vault and ledger.

Rows are plain. All else is as in ours: middleware, sign-in, permissions, rates, parameters,
recurrence, and the shape of the answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from integrations.access.request_context import ObjectNotFound
from integrations.calendar import (
    agenda,
    event_descriptions,
    event_json,
    event_pagination,
    occurrences,
)
from integrations.calendar.api.calendar_views import CalendarView
from integrations.calendar.api.serializers import calendars as shapes
from integrations.calendar.calendar_access import VisibleCalendar
from integrations.calendar.event_rows import EventRow
from integrations.formats.mime import safe_bodies, safe_text
from integrations.formats.recurrence.recurrence_expansion import TimeWindow
from integrations.formats.recurrence.rrule_iter import RecurrenceWorkBudget
from integrations.mail import mail_row_types
from integrations.mail.api.views import MailView
from integrations.mail.detail_sql import LONGEST_THREAD
from integrations.mail.mail_row_types import MessageRow, ThreadRow
from integrations.models.calendar import get_week
from integrations.web.api.api_views import UserDataView, json_response
from limited_use.sinks.json_sink import dump_json
from tests.bench.models import PlainEvent, PlainMessage, PlainText, PlainThread
from tests.bench.views import COLUMNS, find_accounts

_DAY: Final = timedelta(days=1)
# As in `agenda`.
_MAX_ROWS: Final = 5_000
_MAX_STEPS: Final = 200_000
_EVENT: Final = (
    "calendar_id", "id", "kind", "event_id", "series_id", "is_busy", "is_private", "timing",
    "content", "remote",
)  # fmt: skip

_OpenedRow = tuple[EventRow, dict[str, bytes]]


class EmptyView(UserDataView):
    """An answer without anything: what every request of a feature costs."""

    def get(self, request: Request, **_: Any) -> HttpResponse:
        self.get_query(request)
        return json_response(dump_json({"request_id": self.request_id}))


class PlainMessageView(MailView):
    """`integrations.mail.api.views.MessageDetailView` on plain rows."""

    def get(self, request: Request, message_id: UUID, **_: Any) -> HttpResponse:
        self.get_query(request)
        context = self.request_context
        accounts = find_accounts(context)
        text = (
            PlainText.objects.select_related("message")
            .filter(
                message_id=message_id,
                message__user_id=context.user_id,
                message__organisation_id=context.actor.organisation_id,
            )
            .first()
        )
        if text is None:
            raise ObjectNotFound
        message = text.message
        row = MessageRow(message, accounts.get(message.integration_id))
        opened = {"summary": message.summary, "labels": message.labels}
        shown = safe_text.decode_safe_text(text.shown)
        return json_response(dump_json(mail_row_types.shape_message(row, opened, shown)))


class PlainThreadView(MailView):
    """`integrations.mail.api.views.ThreadDetailView` on plain rows."""

    def get(self, request: Request, thread_id: UUID, **_: Any) -> HttpResponse:
        self.get_query(request)
        context = self.request_context
        accounts = find_accounts(context)
        thread = PlainThread.objects.filter(
            id=thread_id,
            user_id=context.user_id,
            organisation_id=context.actor.organisation_id,
        ).first()
        if thread is None:
            raise ObjectNotFound
        found = PlainMessage.objects.filter(
            thread_id=thread_id, integration_id=thread.integration_id
        )
        messages = tuple(found.order_by("-received_at", "-id").only(*COLUMNS)[:LONGEST_THREAD])
        opened = {
            name: value
            for index, message in enumerate(messages)
            for name, value in (
                (str(index), message.summary),
                (f"labels:{index}", message.labels),
            )
        }
        row = ThreadRow(thread, messages, accounts.get(thread.integration_id))
        return json_response(dump_json(mail_row_types.shape_thread(row, opened)))


class PlainEventList(CalendarView):
    """`integrations.calendar.api.event_views.EventListView` on plain rows."""

    query = shapes.EventListQuerySerializer

    def get(self, request: Request, **_: Any) -> HttpResponse:
        query = self.get_query(request)
        window = agenda.build_window(query["start"], query["end"], zone=query["timezone"])
        context = self.request_context
        calendars = agenda.select_calendars(context, None)
        page_request = event_pagination.parse_page_request(
            query.get("cursor"),
            audience=context.audience_key,
            filters=event_pagination.format_filters(window, None, calendars),
            limit=query["limit"],
            at=context.at,
        )
        remaining = page_request.narrow_window(window)
        opened = _read_rows(calendars, remaining, at=context.at)
        expanded = occurrences.expand_rows(opened, remaining, work=RecurrenceWorkBudget(_MAX_STEPS))
        page, next_cursor = page_request.cut_page(expanded.occurrences, remaining)
        page = event_descriptions.update_occurrence_descriptions(page, {})
        states = event_pagination.serialize_calendar_states(calendars, [], [], at=context.at)
        answer = {
            "request_id": self.request_id,
            "calendars": states,
            "data": event_json.serialize_occurrences(page),
            "has_more": next_cursor is not None,
            "next_cursor": next_cursor,
            "unreadable": expanded.unreadable_ids,
        }
        return json_response(dump_json(answer))


def _read_rows(
    calendars: Sequence[VisibleCalendar], window: TimeWindow, *, at: datetime
) -> list[_OpenedRow]:
    """Return the rows in the window, and the series of occurrences that were moved into it."""
    by_id = {visible.calendar.id: visible for visible in calendars}
    events = PlainEvent.objects.filter(
        Q(last_week=None) | Q(last_week__gte=get_week(window.start - _DAY)),
        calendar_id__in=list(by_id),
        first_week__lte=get_week(window.end + _DAY),
    )
    # Ours counts rows as well, because it opens so many at most.
    if events.count() > _MAX_ROWS:
        raise AssertionError("more rows than one page opens")
    stored = list(events.values_list(*_EVENT))
    stored += _find_missing_series(stored).values_list(*_EVENT)
    return list(_open_rows(stored, by_id, at))


def _find_missing_series(stored: Sequence[tuple[Any, ...]]) -> QuerySet[PlainEvent]:
    present = {(row[0], row[3]) for row in stored}
    missing = {(row[0], row[4]) for row in stored if row[4]} - present
    if not missing:
        return PlainEvent.objects.none()
    calendars, names = zip(*missing, strict=True)
    return PlainEvent.objects.filter(calendar_id__in=calendars, event_id__in=names)


def _open_rows(
    stored: Sequence[tuple[Any, ...]], by_id: dict[UUID, VisibleCalendar], at: datetime
) -> Iterator[_OpenedRow]:
    for calendar_id, row_id, kind, name, series, is_busy, is_private, *columns in stored:
        row = EventRow(
            id=row_id,
            kind=kind,
            remote_blind=name.encode(),
            series_blind=series.encode() or None,
            is_busy=is_busy,
            is_private=is_private,
            synced_at=at,
            shown_version=safe_bodies.VERSION,
            visible=by_id[calendar_id],
        )
        named = zip(("timing", "content", "remote"), columns, strict=True)
        yield row, {name: value.encode() for name, value in named if value is not None}
