"""The events of the person's own calendars, of which one answers a question of support."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.calendar import event_lookup, page_queries, support_access
from integrations.calendar.event_lookup import EventId
from integrations.calendar.messages import support as calendar_texts
from integrations.calendar.pages import (
    calendar_preferences,
    event_choice_presenter,
    event_views,
    support_event_presenter,
    view_ranges,
)
from integrations.web import support_access_form
from integrations.web.support_access_form import SupportAccessTexts
from limited_use.sinks import calendar_sink as sink
from limited_use.vault.envelope import Damaged

from . import answer_form, messages
from .answer_form import QUESTION_ROUTE, ItemAnswer
from .support_overview import QuestionRow

ANSWER: Final = ItemAnswer(
    "settings-support-answer-event",
    SupportAccessTexts(messages.EVENT_ALLOWED, calendar_texts.NOT_AGREED),
    messages.EVENT_GONE,
)


def render_list(request: HttpRequest, context: Mapping[str, Any]) -> HttpResponse:
    """
    List the events of 30 days. The query `day` is the first of them.

    :param context: of the page of the question
    """
    request_context = get_request_context(request)
    try:
        day = view_ranges.parse_day(request.GET.get("day", ""))
    except ValueError:
        return redirect(QUESTION_ROUTE, context["question"].id)
    page_data = page_queries.get_own_calendar_page_data(
        request_context,
        view_ranges.get_query_window(event_choice_presenter.PERIOD, day, at=request_context.at),
    )
    options = event_choice_presenter.EventChoiceOptions(
        day, calendar_preferences.get_zone(request), request_context.at
    )
    body = sink.calendar_page(
        "settings/support/choose_event.html",
        page_data.rows,
        permits=page_data.permits,
        viewer=request_context.actor,
        make=event_choice_presenter.make_event_choice_presenter(page_data, options),
        at=request_context.at,
        context={
            **context,
            "calendar_count": len(page_data.calendars),
            "unlisted_count": len(page_data.calendars) - len(page_data.shown_calendars),
            "most": event_choice_presenter.MAX_LISTED,
        },
        request=request,
    )
    return HttpResponse(body)


def render_confirmation(
    request: HttpRequest, question: QuestionRow, event_id: UUID
) -> HttpResponse:
    """Show what the agent would see of the event, and the form that allows it."""
    request_context = get_request_context(request)
    try:
        event = support_access.get_own_event(actor=request_context.actor, event_id=event_id)
        page_data = page_queries.get_description_data(request_context, EventId(event_id))
        body = sink.calendar_page(
            "settings/support/allow_event.html",
            page_data.rows,
            permits=page_data.permits,
            viewer=request_context.actor,
            make=support_event_presenter.make_preview(event_id),
            at=request_context.at,
            context={
                "question": question,
                "event_id": event_id,
                "kind": event.kind,
                "is_local": page_data.visible.calendar.is_local,
                **support_access_form.get_form_context(until=None),
            },
            request=request,
        )
    except ObjectNotFound:
        return answer_form.show_gone(request, question.id, ANSWER)
    except (event_lookup.CalendarNotCurrent, Damaged) as error:
        return event_views.render_unavailable(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body)
