"""The pages of one event. Its description is a separate document."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from csp.decorators import csp
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access import support_consents
from integrations.access.request_context import (
    ObjectNotFound,
    RequestContext,
    get_request_context,
)
from integrations.calendar import event_lookup, page_queries
from integrations.calendar.events import event_service
from integrations.calendar.events.write_results import SeriesScope
from integrations.calendar.messages import pages as page_messages
from integrations.formats.event_content import AttendeeResponse
from integrations.providers.calendars import Notify
from integrations.web import sandboxed_html
from limited_use.sinks import calendar_sink as sink
from limited_use.vault.envelope import Damaged

from . import calendar_preferences, event_presenter, write_messages

_SCOPES: Final = ("this", "following", "all")
_RESPONSES: Final = ("accepted", "tentative", "declined")


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_event(request: HttpRequest, event_id: str) -> HttpResponse:
    return _render_page(request, event_id, "calendar/event.html")


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def answer_invitation(request: HttpRequest, event_id: str) -> HttpResponse:
    request_context, response = get_request_context(request), request.POST.get("response", "")
    if response not in _RESPONSES:
        raise Http404
    try:
        event_service.respond(
            request_context,
            event_lookup.parse_event_id(event_id),
            cast("AttendeeResponse", response),
            etag=request.POST.get("version", ""),
            scope="all" if request.POST.get("scope") == "all" else "this",
            notify=get_notify_choice(request),
        )
    except ObjectNotFound:
        return render_gone(request)
    except write_messages.EXPECTED_ERRORS as error:
        message, status = (
            write_messages.get_write_error_message(error),
            write_messages.get_write_error_status(error),
        )
        return _render_page(
            request, event_id, "calendar/event.html", message=message, status=status
        )
    answer = page_messages.ANSWERS[response]
    messages.success(request, page_messages.OWN_ANSWER % {"answer": answer})
    return redirect("calendar-event", event_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def delete_event(request: HttpRequest, event_id: str) -> HttpResponse:
    template, scope = "calendar/delete.html", request.POST.get("scope", "this")
    if request.method != "POST":
        return _render_page(request, event_id, template)
    if scope not in _SCOPES:
        raise Http404
    request_context = get_request_context(request)
    try:
        event_service.delete(
            request_context,
            event_lookup.parse_event_id(event_id),
            etag=request.POST.get("version", ""),
            scope=cast("SeriesScope", scope),
            notify=get_notify_choice(request),
        )
    except ObjectNotFound:
        return render_gone(request)
    except write_messages.EXPECTED_ERRORS as error:
        message, status = (
            write_messages.get_write_error_message(error),
            write_messages.get_write_error_status(error),
        )
        return _render_page(request, event_id, template, message=message, status=status)
    messages.success(request, page_messages.DELETED)
    return redirect("calendar")


@never_cache
@require_safe
@xframe_options_sameorigin
@csp(dict(sandboxed_html.POLICY))
@require_permission(RolePermission.USE_OWN)
def show_description(request: HttpRequest, event_id: str) -> HttpResponse:
    """Return a sandboxed document: it has an opaque origin, runs no scripts and loads nothing."""
    request_context = get_request_context(request)
    try:
        parsed_id = event_lookup.parse_event_id(event_id)
        page_data = page_queries.get_description_data(request_context, parsed_id)
        text = sink.calendar_document(
            page_data.rows,
            permits=page_data.permits,
            viewer=request_context.actor,
            make=event_presenter.make_description_presenter(parsed_id, page_data.permits),
            at=request_context.at,
        )
    except ObjectNotFound:
        raise Http404 from None
    except (event_lookup.CalendarNotCurrent, Damaged) as error:
        return render_unavailable(request, is_damaged=isinstance(error, Damaged))
    return sandboxed_html.render_document(text)


def _render_page(
    request: HttpRequest, event_id: str, template: str, *, message: str = "", status: int = 200
) -> HttpResponse:
    request_context = get_request_context(request)
    try:
        parsed_id = event_lookup.parse_event_id(event_id)
        page_data = page_queries.get_event_page_data(request_context, parsed_id)
        body = sink.calendar_page(
            template,
            page_data.rows,
            permits=page_data.permits,
            viewer=request_context.actor,
            make=event_presenter.make_event_presenter(
                page_data,
                event_presenter.EventPageOptions(
                    parsed_id,
                    calendar_preferences.get_zone(request),
                    _get_support_end_times(request_context, page_data),
                ),
            ),
            at=request_context.at,
            context={"why": message},
            request=request,
        )
    except ObjectNotFound:
        return render_gone(request)
    except (event_lookup.CalendarNotCurrent, Damaged) as error:
        return render_unavailable(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body, status=status)


def _get_support_end_times(
    request_context: RequestContext, page_data: page_queries.EventPageData
) -> Mapping[UUID, datetime]:
    if page_data.visible.share is not None:
        return {}
    event_rows = page_data.rows[len(page_data.calendars) :]
    return support_consents.get_end_times(
        actor=request_context.actor,
        item_ids=[row.row.id for row in event_rows],
        at=request_context.at,
    )


def get_notify_choice(request: HttpRequest) -> Notify:
    return "all" if request.POST.get("notify") == "on" else "none"


def render_gone(request: HttpRequest) -> HttpResponse:
    """The same page for an event of another person: it does not reveal that the event exists."""
    return render(request, "calendar/event_gone.html", status=404)


def render_unavailable(request: HttpRequest, *, is_damaged: bool) -> HttpResponse:
    context = {"is_damaged": is_damaged}
    return render(request, "calendar/event_not_shown.html", context, status=503)
