"""Let support see one event: explicit consent, for a limited time, withdrawn at once."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access import support_consents, support_questions
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.calendar import event_lookup, page_queries, support_access
from integrations.calendar.event_lookup import EventId
from integrations.calendar.messages import support as texts
from integrations.models import Event, ItemKind
from integrations.web import support_access_form
from integrations.web.support_access_form import SupportAccessTexts
from limited_use.sinks import calendar_sink as sink
from limited_use.vault.envelope import Damaged

from . import calendar_preferences, event_presenter, event_views

_TEXTS: Final = SupportAccessTexts(started=texts.STARTED, not_agreed=texts.NOT_AGREED)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Let Antares support see one event"))
def open_event_to_support(request: HttpRequest, event_id: UUID) -> HttpResponse:
    try:
        event = support_access.get_own_event(actor=get_actor(request), event_id=event_id)
        if request.method != "POST":
            return HttpResponse(_render_form(request, event))
        open_event = partial(
            support_access.open_to_support,
            actor=get_actor(request),
            event_id=event_id,
            at=timezone.now(),
        )
        if support_access_form.open_from_form(request, open_event, _TEXTS):
            return redirect("calendar-event", event_id)
    except ObjectNotFound:
        return event_views.render_gone(request)
    except (event_lookup.CalendarNotCurrent, Damaged) as error:
        return event_views.render_unavailable(request, is_damaged=isinstance(error, Damaged))
    return redirect("calendar-support", event_id)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def withdraw_support_access(request: HttpRequest, event_id: UUID) -> HttpResponse:
    try:
        support_access.withdraw_access(
            actor=get_actor(request), event_id=event_id, at=timezone.now()
        )
    except ObjectNotFound:
        return event_views.render_gone(request)
    messages.success(request, texts.STOPPED)
    return redirect("calendar-event", event_id)


def _render_form(request: HttpRequest, event: Event) -> bytes:
    """:raises ObjectNotFound, event_lookup.CalendarNotCurrent, Damaged:"""
    request_context = get_request_context(request)
    row_id = EventId(event.id)
    page_data = page_queries.get_event_page_data(request_context, row_id)
    end_times = support_consents.get_end_times(
        actor=request_context.actor, item_ids=[event.id], at=request_context.at
    )
    options = event_presenter.EventPageOptions(row_id, calendar_preferences.get_zone(request))
    return sink.calendar_page(
        "calendar/support.html",
        page_data.rows,
        permits=page_data.permits,
        viewer=request_context.actor,
        make=event_presenter.make_event_presenter(page_data, options),
        at=request_context.at,
        context={
            **support_access_form.get_form_context(until=end_times.get(event.id)),
            "event_id": event.id,
            "kind": event.kind,
            "question_id": support_questions.find_waiting_question(
                kind=ItemKind.EVENT, actor=request_context.actor, at=request_context.at
            ),
        },
        request=request,
    )
