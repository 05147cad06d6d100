from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import request_limits
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access.request_context import get_request_context
from integrations.calendar import calendar_source, ics_export, ics_import, local_events
from integrations.calendar.messages import settings as settings_messages
from integrations.coordination import person_slots
from integrations.formats.icalendar import calendar_file_writer
from integrations.formats.icalendar.file_problems import FileProblem, UnreadableCalendarFile
from integrations.parsers.parser_pool import ParsersBusy, ParsersUnavailable
from integrations.web.problem_catalogue import BUSY

from . import local_calendar_page


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def import_file(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Import all events of the file, or show the lines that have errors."""
    request_context = get_request_context(request)
    # Check ownership before the file is read.
    local_calendar_page.get_calendar_or_404(request_context, calendar_id)
    form = local_calendar_page.CalendarFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return HttpResponse(
            local_calendar_page.render_calendar_page(
                request, request_context, calendar_id, file_form=form
            ),
            status=400,
        )
    usage = request_limits.count_for_person(request, ics_import.RATE)
    if not usage.is_within:
        form.add_error(None, settings_messages.TOO_MANY_FILES)
        body = local_calendar_page.render_calendar_page(
            request, request_context, calendar_id, file_form=form
        )
        return request_limits.add_retry_after(HttpResponse(body, status=429), usage)
    problems: tuple[FileProblem, ...] = ()
    has_more = False
    status = 422
    headers: dict[str, str] = {}
    try:
        imported = ics_import.import_calendar_file(
            actor=request_context.actor,
            calendar_id=calendar_id,
            data=form.cleaned_data["file"].read(),
            at=request_context.at,
        )
    except UnreadableCalendarFile as unreadable:
        problems, has_more = unreadable.problems, unreadable.has_more
        form.add_error("file", settings_messages.NOTHING_IMPORTED)
    except (ParsersBusy, ParsersUnavailable):
        status, headers = BUSY.status, {"Retry-After": str(BUSY.retry_after)}
        form.add_error(None, settings_messages.IMPORT_BUSY)
    except local_events.LocalCalendarFull:
        form.add_error(
            "file", settings_messages.TOO_MANY_EVENTS % {"most": f"{local_events.MAX_ROWS:,}"}
        )
    except local_events.LocalEventChanged:
        form.add_error(None, settings_messages.CHANGED_DURING_IMPORT)
    else:
        messages.success(request, _describe_import(imported))
        return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
    body = local_calendar_page.render_calendar_page(
        request, request_context, calendar_id, file_form=form, problems=problems, has_more=has_more
    )
    return HttpResponse(body, status=status, headers=headers)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def export_file(request: HttpRequest, calendar_id: UUID) -> HttpResponseBase:
    request_context = get_request_context(request)
    local_calendar_page.get_calendar_or_404(request_context, calendar_id)
    if not request_limits.count_for_person(request, ics_export.RATE).is_within:
        messages.error(request, settings_messages.TOO_MANY_FILES)
        return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
    with person_slots.STREAM_SLOTS.lend_slot(request_context.user_id) as slot:
        parts = ics_export.stream_calendar(
            actor=request_context.actor, calendar_id=calendar_id, now=timezone.now
        )
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, parts),
            content_type=calendar_file_writer.CONTENT_TYPE,
        )
    name = calendar_source.make_filename(request_context.at)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _describe_import(imported: ics_import.CalendarImportResult) -> str:
    changes = [
        text % {"count": count}
        for count, text in (
            (imported.added_count, settings_messages.ADDED),
            (imported.replaced_count, settings_messages.REPLACED),
            (imported.removed_count, settings_messages.CANCELLED),
        )
        if count
    ]
    description = settings_messages.IMPORTED % {
        "changes": ", ".join(changes) or settings_messages.NONE_IN_FILE
    }
    if not imported.left_out:
        return description
    parts = ", ".join(imported.left_out)
    return f"{description} {settings_messages.LEFT_OUT % {'parts': parts}}"
