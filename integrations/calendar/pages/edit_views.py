from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.calendar import etags, event_lookup, page_queries
from integrations.calendar.etags import EventStale
from integrations.calendar.events import event_service
from integrations.calendar.events.event_validation import BadEventDraft
from integrations.calendar.events.write_results import EventWriteResult, SeriesScope
from integrations.calendar.messages import pages as page_messages
from limited_use.sinks import calendar_sink as sink
from limited_use.vault.envelope import Damaged

from . import calendar_preferences, edit_event_initial, event_presenter, event_views, write_messages
from .edit_event_initial import EditEventForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def edit_event(request: HttpRequest, event_id: str) -> HttpResponse:
    """
    If the event changed since, show the entered and the current values; the form, sent again,
    overwrites the current ones.
    """
    if request.method != "POST":
        return _render_page(request, event_id, None)
    form = EditEventForm(request.POST)
    message, version, status = "", request.POST.get("version", ""), 400
    if form.is_valid():
        try:
            result = _change_event(request, event_id, form)
        except ObjectNotFound:
            return event_views.render_gone(request)
        except BadEventDraft as bad_draft:
            form.add_draft_errors(bad_draft)
        except write_messages.EXPECTED_ERRORS as error:
            message, status = (
                write_messages.get_write_error_message(error),
                write_messages.get_write_error_status(error),
            )
            if isinstance(error, EventStale | etags.VersionMalformed):
                version = ""
        else:
            return _redirect_to_event(request, event_id, result)
    return _render_page(request, event_id, form, message=message, version=version, status=status)


def _redirect_to_event(
    request: HttpRequest, event_id: str, result: EventWriteResult | None
) -> HttpResponse:
    messages.success(request, page_messages.CHANGED)
    if result is None:
        return redirect("calendar-event", event_id)
    if result.has_new_link:
        messages.info(request, page_messages.NEW_MEETING_LINK)
    if result.reset_count:
        text = page_messages.OCCURRENCES_RESET % {"count": result.reset_count}
        messages.warning(request, text)
    return redirect("calendar-event", result.event_id) if result.event_id else redirect("calendar")


def _change_event(
    request: HttpRequest, event_id: str, form: EditEventForm
) -> EventWriteResult | None:
    """Return None if nothing differs."""
    parsed_id, cleaned_data = event_lookup.parse_event_id(event_id), form.cleaned_data
    changes = form.get_changes(is_occurrence=parsed_id.original_start is not None)
    if not changes:
        return None
    return event_service.change(
        get_request_context(request),
        parsed_id,
        changes,
        etag=cleaned_data["version"],
        scope=cast("SeriesScope", cleaned_data["scope"] or "this"),
        notify="all" if cleaned_data["notify"] else "none",
    )


def _render_page(  # noqa: PLR0913 - the sent form and its message
    request: HttpRequest,
    event_id: str,
    sent_form: EditEventForm | None,
    *,
    message: str = "",
    version: str = "",
    status: int = 200,
) -> HttpResponse:
    request_context = get_request_context(request)
    try:
        parsed_id = event_lookup.parse_event_id(event_id)
        page_data = page_queries.get_event_page_data(request_context, parsed_id)
        options = event_presenter.EventPageOptions(
            parsed_id, calendar_preferences.get_zone(request)
        )
        body = sink.calendar_page(
            "calendar/edit.html",
            page_data.rows,
            permits=page_data.permits,
            viewer=request_context.actor,
            make=edit_event_initial.make_edit_presenter(page_data, options, sent_form),
            at=request_context.at,
            context={
                "why": message,
                "is_wrong": sent_form is not None and not message,
                "is_stale": bool(message) and not version,
                "version": version,
            },
            request=request,
        )
    except ObjectNotFound:
        return event_views.render_gone(request)
    except (event_lookup.CalendarNotCurrent, Damaged) as error:
        return event_views.render_unavailable(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body, status=status)
