"""
Messages and events that their owners opened to support.

Refusals are recorded. Items that are closed, never were open, belong to the agent or do not exist
get the same response.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import mail
from integrations.access import support_consents
from integrations.access.request_context import ObjectNotFound
from integrations.calendar import support_access as calendar_support_access
from integrations.calendar.pages import support_event_presenter
from integrations.mail import support_access as mail_support_access
from integrations.support import messages, questions
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import support_sink
from limited_use.vault.envelope import Unopenable


@never_cache
@require_safe
@require_permission(RolePermission.READ_OPENED_ITEMS)
def list_items(request: HttpRequest) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    own_questions = questions.list_agent_questions(actor=actor, at=at)
    open_ids = questions.find_open_questions(own_questions, actor=actor, at=at)
    described_questions = [
        (
            question,
            messages.ITEM[question.kind],
            messages.describe_question(
                questions.get_state(question, at=at), is_open=question.id in open_ids
            ),
        )
        for question in own_questions
    ]
    open_items = support_consents.list_open_items(actor=actor, at=at)
    return render(
        request, "console/items.html", {"items": open_items, "questions": described_questions}
    )


@never_cache
@require_safe
@require_permission(RolePermission.READ_OPENED_ITEMS)
def show_item(request: HttpRequest, message_id: UUID) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    try:
        reading = mail_support_access.get_permitted_message(
            actor=actor, message_id=message_id, at=at
        )
        body = support_sink.render_item(
            "console/item.html",
            reading.rows[0],
            item_id=message_id,
            permits=reading.permits,
            actor=actor,
            shape=mail_support_access.make_support_item_shape(reading),
            at=at,
            context={"item_id": message_id},
            request=request,
        )
    except (AccessRefused, Unopenable, mail.ObjectNotFound):
        return _render_closed(request)
    return HttpResponse(body)


@never_cache
@require_safe
@require_permission(RolePermission.READ_OPENED_ITEMS)
def show_event(request: HttpRequest, event_id: UUID) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    try:
        event = calendar_support_access.get_permitted_event(actor=actor, event_id=event_id, at=at)
        body = support_sink.render_item(
            "console/event.html",
            event.row,
            item_id=event_id,
            permits=event.permits,
            actor=actor,
            shape=support_event_presenter.shape_support_event,
            at=at,
            context={"item_id": event_id},
            request=request,
        )
    except (AccessRefused, Unopenable, ObjectNotFound):
        return _render_closed(request)
    return HttpResponse(body)


def _render_closed(request: HttpRequest) -> HttpResponse:
    return render(request, "console/item_closed.html", status=403)
