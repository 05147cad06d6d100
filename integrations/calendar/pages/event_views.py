"""
One event in the browser: what it is, its answer, its end.

What is written in it is a document of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast

from csp.decorators import csp
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import NotFound, asked_by
from integrations.calendar import event_lookup, page_queries
from integrations.calendar.events import service
from integrations.calendar.events.results import Scope
from integrations.formats.event import Response
from integrations.providers.calendars import Notify
from integrations.web import sandboxed_html
from limited_use.policy.claims import claim
from limited_use.sinks import calendar as sink
from limited_use.vault.envelope import Damaged

from . import event_presenter, preferences, write_messages

_SCOPES: Final = ("this", "following", "all")
_RESPONSES: Final[Mapping[str, str]] = {
    "accepted": "You said that you come.",
    "tentative": "You said that you may come.",
    "declined": "You said that you do not come.",
}


@never_cache
@require_safe
@page(Permission.USE_OWN)
def event(request: HttpRequest, event_id: str) -> HttpResponse:
    """Return one event, series or occurrence; a page that says why, where it cannot be shown."""
    return _page(request, event_id, "calendar/event.html")


@never_cache
@require_POST
@page(Permission.USE_OWN)
def answer(request: HttpRequest, event_id: str) -> HttpResponse:
    """Answer an invitation: to one occurrence, or to its whole series."""
    asked, response = asked_by(request), request.POST.get("response", "")
    if response not in _RESPONSES:
        raise Http404
    try:
        service.respond(
            asked,
            event_lookup.event_id(event_id),
            cast("Response", response),
            etag=request.POST.get("version", ""),
            scope="all" if request.POST.get("scope") == "all" else "this",
            notify=notify(request),
        )
    except NotFound:
        raise Http404 from None
    except write_messages.FORESEEN as error:
        why, status = write_messages.why(error), write_messages.status(error)
        return _page(request, event_id, "calendar/event.html", why=why, status=status)
    messages.success(request, _RESPONSES[response])
    return redirect("calendar-event", event_id)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def delete(request: HttpRequest, event_id: str) -> HttpResponse:
    """Ask whether to delete an event, one occurrence, those that follow, or all; and do it."""
    template, scope = "calendar/delete.html", request.POST.get("scope", "this")
    if request.method != "POST":
        return _page(request, event_id, template)
    if scope not in _SCOPES:
        raise Http404
    asked = asked_by(request)
    try:
        service.delete(
            asked,
            event_lookup.event_id(event_id),
            etag=request.POST.get("version", ""),
            scope=cast("Scope", scope),
            notify=notify(request),
        )
    except NotFound:
        raise Http404 from None
    except write_messages.FORESEEN as error:
        why, status = write_messages.why(error), write_messages.status(error)
        return _page(request, event_id, template, why=why, status=status)
    messages.success(request, claim("event.deleted", "It is deleted."))
    return redirect("calendar")


@never_cache
@require_safe
@xframe_options_sameorigin
@csp(dict(sandboxed_html.POLICY))
@page(Permission.USE_OWN)
def description(request: HttpRequest, event_id: str) -> HttpResponse:
    """
    Return what is written in an event as a document of its own, as harmless as a mail's text.

    The response itself is sandboxed: its origin is nobody's, nothing runs, nothing loads.
    """
    asked = asked_by(request)
    try:
        name = event_lookup.event_id(event_id)
        look = page_queries.description(asked, name)
        text = sink.calendar_document(
            look.rows,
            permits=look.permits,
            viewer=asked.actor,
            make=event_presenter.described(name, look.permits),
            at=asked.at,
        )
    except NotFound:
        raise Http404 from None
    except (event_lookup.NotCurrent, Damaged) as error:
        return not_shown(request, is_damaged=isinstance(error, Damaged))
    return sandboxed_html.answer(text)


def _page(
    request: HttpRequest, event_id: str, template: str, *, why: str = "", status: int = 200
) -> HttpResponse:
    asked = asked_by(request)
    try:
        name = event_lookup.event_id(event_id)
        look = page_queries.event(asked, name)
        body = sink.calendar_page(
            template,
            look.rows,
            permits=look.permits,
            viewer=asked.actor,
            make=event_presenter.told(look, event_presenter.Wish(name, preferences.zone(request))),
            at=asked.at,
            context={"why": why},
            request=request,
        )
    except NotFound:
        raise Http404 from None
    except (event_lookup.NotCurrent, Damaged) as error:
        return not_shown(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body, status=status)


def notify(request: HttpRequest) -> Notify:
    """Return whether the guests are to hear of it."""
    return "all" if request.POST.get("notify") == "on" else "none"


def not_shown(request: HttpRequest, *, is_damaged: bool) -> HttpResponse:
    context = {"is_damaged": is_damaged}
    return render(request, "calendar/event_not_shown.html", context, status=503)
