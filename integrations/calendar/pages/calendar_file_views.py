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
from integrations.calendar import ics_export, ics_import, local_events
from integrations.coordination import person_slots
from integrations.formats.icalendar import calendar_file_writer
from integrations.formats.icalendar.file_problems import FileProblem, UnreadableCalendarFile
from integrations.parsers.parser_pool import ParsersBusy, ParsersUnavailable
from integrations.web.problem_catalogue import BUSY
from limited_use.policy.claims import claim

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
        form.add_error(None, "That were many files. Please wait an hour.")
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
        form.add_error(
            "file",
            claim(
                "import.nothing-taken", "Nothing of this file was taken: it needs mending first."
            ),
        )
    except (ParsersBusy, ParsersUnavailable):
        status, headers = BUSY.status, {"Retry-After": str(BUSY.retry_after)}
        form.add_error(
            None,
            claim(
                "import.busy",
                "Other files are being read at this moment. Nothing of yours was taken. Please try"
                " again in a minute.",
            ),
        )
    except local_events.LocalCalendarFull:
        form.add_error("file", f"A calendar holds {local_events.MAX_ROWS:,} events at most.")
    except local_events.LocalEventChanged:
        form.add_error(None, "Somebody else wrote to it at this moment. Please try again.")
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
        messages.error(request, "That were many files. Please wait an hour.")
        return redirect(local_calendar_page.ROUTE_NAME, calendar_id)
    with person_slots.STREAM_SLOTS.lend_slot(request_context.user_id) as slot:
        parts = ics_export.stream_calendar(
            actor=request_context.actor, calendar_id=calendar_id, now=timezone.now
        )
        response = StreamingHttpResponse(
            person_slots.hold_stream_slot(slot, parts),
            content_type=calendar_file_writer.CONTENT_TYPE,
        )
    # Without the calendar's name: it is sealed, and file names leak.
    name = f"antares-calendar-{request_context.at:%Y-%m-%d}.ics"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _describe_import(imported: ics_import.CalendarImportResult) -> str:
    changes = [
        f"{count} {word}"
        for count, word in (
            (imported.added_count, "added"),
            (imported.replaced_count, "replaced"),
            (imported.removed_count, "removed"),
        )
        if count
    ]
    text = f"Events: {', '.join(changes) or 'none in this file'}."
    if imported.left_out:
        text += f" Left out, because it is not kept here: {', '.join(imported.left_out)}."
    return text
