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
from integrations.mail import support_access
from integrations.support import messages as texts
from integrations.support import questions
from limited_use.guard.guard import AccessRefused
from limited_use.sinks import support_sink
from limited_use.vault.envelope import Unopenable


@never_cache
@require_safe
@require_permission(RolePermission.READ_OPENED_ITEMS)
def list_items(request: HttpRequest) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    opened_items = support_access.list_open_items(actor=actor, at=at)
    asked = [
        (question, texts.ITEM[question.kind], texts.QUESTION_STATE[state])
        for question in questions.list_agent_questions(actor=actor, at=at)
        for state in [questions.get_state(question, at=at)]
    ]
    return render(request, "console/items.html", {"items": opened_items, "questions": asked})


@never_cache
@require_safe
@require_permission(RolePermission.READ_OPENED_ITEMS)
def show_item(request: HttpRequest, message_id: UUID) -> HttpResponse:
    """
    Refusals are recorded. Items that are closed, never were open or do not exist get the same
    response.
    """
    actor, at = get_actor(request), timezone.now()
    try:
        reading = support_access.get_permitted_message(actor=actor, message_id=message_id, at=at)
        body = support_sink.render_item(
            "console/item.html",
            reading.rows[0],
            item_id=message_id,
            permits=reading.permits,
            actor=actor,
            shape=support_access.make_support_item_shape(reading),
            at=at,
            context={"item_id": message_id},
            request=request,
        )
    except (AccessRefused, Unopenable, mail.ObjectNotFound):
        return render(request, "console/item_closed.html", status=403)
    return HttpResponse(body)
