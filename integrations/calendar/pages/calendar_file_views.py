"""A file and a calendar that lives here: taken into it, and given to its owner."""

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
from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import asked_by
from integrations.calendar import ics_export, ics_import, local_events
from integrations.coordination import concurrency
from integrations.formats.icalendar import writer
from integrations.formats.icalendar.file_problems import Problem, Unreadable
from integrations.parsers.process_pool import Busy, CannotRun
from integrations.web.problem_catalogue import BUSY
from limited_use.policy.claims import claim

from . import local_calendar_page


@never_cache
@require_POST
@page(Permission.USE_OWN)
def fill(request: HttpRequest, calendar_id: UUID) -> HttpResponse:
    """Take a chosen file into it: all of it, or nothing and the lines that are in the way."""
    asked = asked_by(request)
    # Nothing is read for a calendar of somebody else.
    local_calendar_page.seen(asked, calendar_id)
    form = local_calendar_page.FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return HttpResponse(
            local_calendar_page.shown(request, asked, calendar_id, file_form=form), status=400
        )
    usage = request_limits.count_for_person(request, ics_import.RATE)
    if not usage.is_within:
        form.add_error(None, "That were many files. Please wait an hour.")
        body = local_calendar_page.shown(request, asked, calendar_id, file_form=form)
        return request_limits.with_retry_after(HttpResponse(body, status=429), usage)
    problems: tuple[Problem, ...] = ()
    has_more = False
    status = 422
    headers: dict[str, str] = {}
    try:
        done = ics_import.take(
            actor=asked.actor,
            calendar_id=calendar_id,
            data=form.cleaned_data["file"].read(),
            at=asked.at,
        )
    except Unreadable as unreadable:
        problems, has_more = unreadable.problems, unreadable.has_more
        form.add_error(
            "file",
            claim(
                "import.nothing-taken", "Nothing of this file was taken: it needs mending first."
            ),
        )
    except (Busy, CannotRun):
        status, headers = BUSY.status, {"Retry-After": str(BUSY.retry_after)}
        form.add_error(
            None,
            claim(
                "import.busy",
                "Other files are being read at this moment. Nothing of yours was taken. Please try"
                " again in a minute.",
            ),
        )
    except local_events.Full:
        form.add_error("file", f"A calendar holds {local_events.MOST_ROWS:,} events at most.")
    except local_events.Changed:
        form.add_error(None, "Somebody else wrote to it at this moment. Please try again.")
    else:
        messages.success(request, _said(done))
        return redirect(local_calendar_page.NAME, calendar_id)
    body = local_calendar_page.shown(
        request, asked, calendar_id, file_form=form, problems=problems, has_more=has_more
    )
    return HttpResponse(body, status=status, headers=headers)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def file(request: HttpRequest, calendar_id: UUID) -> HttpResponseBase:
    """Give it to its owner as a file."""
    asked = asked_by(request)
    local_calendar_page.seen(asked, calendar_id)
    if not request_limits.count_for_person(request, ics_export.RATE).is_within:
        messages.error(request, "That were many files. Please wait an hour.")
        return redirect(local_calendar_page.NAME, calendar_id)
    with concurrency.STREAMS.lend(asked.user_id) as slot:
        parts = ics_export.stream(actor=asked.actor, calendar_id=calendar_id, now=timezone.now)
        response = StreamingHttpResponse(
            concurrency.hold_slot(slot, parts), content_type=writer.CONTENT_TYPE
        )
    # Not what it is called: that is sealed, and names of files end up everywhere.
    name = f"antares-calendar-{asked.at:%Y-%m-%d}.ics"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _said(done: ics_import.Imported) -> str:
    told = [
        f"{count} {word}"
        for count, word in (
            (done.added, "added"),
            (done.replaced, "replaced"),
            (done.removed, "removed"),
        )
        if count
    ]
    text = f"Events: {', '.join(told) or 'none in this file'}."
    if done.left_out:
        text += f" Left out, because it is not kept here: {', '.join(done.left_out)}."
    return text
