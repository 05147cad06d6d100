"""The page on which an event is changed: one of a series, those that follow, or all of it."""

from __future__ import annotations

from typing import cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.permissions import page
from accounts.roles import Permission
from integrations.access.request_context import NotFound, asked_by
from integrations.calendar import etags, event_lookup, page_queries
from integrations.calendar.etags import Stale
from integrations.calendar.events import service
from integrations.calendar.events.results import Scope, Written
from integrations.calendar.events.validation import BadDraft
from limited_use.sinks import calendar as sink
from limited_use.vault.envelope import Damaged

from . import edit_event_initial, event_presenter, event_views, preferences, write_messages
from .edit_event_initial import EditForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def edit(request: HttpRequest, event_id: str) -> HttpResponse:
    """
    Show the form with an event in it, and change what differs.

    Where somebody else changed the same meanwhile, both are shown: what they typed, and how it
    is now; sent again, theirs stands.
    """
    if request.method != "POST":
        return _page(request, event_id, None)
    form = EditForm(request.POST)
    why, version, status = "", request.POST.get("version", ""), 400
    if form.is_valid():
        try:
            written = _change(request, event_id, form)
        except NotFound:
            raise Http404 from None
        except BadDraft as bad:
            form.refuse(bad)
        except write_messages.FORESEEN as error:
            why, status = write_messages.why(error), write_messages.status(error)
            if isinstance(error, Stale | etags.NoVersion):
                version = ""
        else:
            return _redirect(request, event_id, written)
    return _page(request, event_id, form, why=why, version=version, status=status)


def _redirect(request: HttpRequest, event_id: str, written: Written | None) -> HttpResponse:
    """Say what became of the event, and show where it is now."""
    messages.success(request, "It is changed.")
    if written is None:
        return redirect("calendar-event", event_id)
    if written.has_new_link:
        messages.info(request, "From here on, its online meeting has a new link.")
    if written.reset:
        text = f"Changed occurrences that are as their series says again: {written.reset}."
        messages.warning(request, text)
    return redirect("calendar-event", written.id) if written.id else redirect("calendar")


def _change(request: HttpRequest, event_id: str, form: EditForm) -> Written | None:
    """Return what was written; None where nothing is to be changed."""
    name, given = event_lookup.event_id(event_id), form.cleaned_data
    wanted = form.edit(is_occurrence=name.original is not None)
    if not wanted:
        return None
    return service.change(
        asked_by(request),
        name,
        wanted,
        etag=given["version"],
        scope=cast("Scope", given["scope"] or "this"),
        notify="all" if given["notify"] else "none",
    )


def _page(  # noqa: PLR0913 - what is shown again, and why
    request: HttpRequest,
    event_id: str,
    typed: EditForm | None,
    *,
    why: str = "",
    version: str = "",
    status: int = 200,
) -> HttpResponse:
    asked = asked_by(request)
    try:
        name = event_lookup.event_id(event_id)
        look = page_queries.event(asked, name)
        wish = event_presenter.Wish(name, preferences.zone(request))
        body = sink.calendar_page(
            "calendar/edit.html",
            look.rows,
            permits=look.permits,
            viewer=asked.actor,
            make=edit_event_initial.filled(look, wish, typed),
            at=asked.at,
            context={
                "why": why,
                "is_wrong": typed is not None and not why,
                "is_stale": bool(why) and not version,
                "version": version,
            },
            request=request,
        )
    except NotFound:
        raise Http404 from None
    except (event_lookup.NotCurrent, Damaged) as error:
        return event_views.not_shown(request, is_damaged=isinstance(error, Damaged))
    return HttpResponse(body, status=status)
