"""Let support read one message: explicit consent, for a limited time, withdrawn at once."""

from __future__ import annotations

from functools import partial
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import mail
from integrations.access import support_consents, support_questions
from integrations.mail import mail_row_types, support_access
from integrations.mail import messages as texts
from integrations.models import ItemKind
from integrations.web import support_access_form
from integrations.web.support_access_form import SupportAccessTexts
from limited_use.sinks import page_sink

_TEXTS: Final = SupportAccessTexts(
    started=texts.SUPPORT_STARTED, not_agreed=texts.SUPPORT_NOT_AGREED
)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Let Antares support read one message"))
def open_message_to_support(request: HttpRequest, message_id: UUID) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    try:
        message = support_access.get_own_message(actor=actor, message_id=message_id)
    except mail.ObjectNotFound:
        raise Http404 from None
    if request.method == "POST":
        open_message = partial(
            support_access.open_to_support, actor=actor, message_id=message_id, at=at
        )
        if support_access_form.open_from_form(request, open_message, _TEXTS):
            return redirect("inbox-thread", message.thread_id)
        return redirect("inbox-support", message_id)
    reading = support_access.get_support_message_head(actor=actor, message=message, at=at)
    end_times = support_consents.get_end_times(actor=actor, item_ids=[message_id], at=at)
    body = page_sink.render_page(
        "inbox/support.html",
        reading.rows,
        permits=reading.permits,
        actor=actor,
        shape=mail_row_types.shape_message_summary,
        at=at,
        context={
            **support_access_form.get_form_context(until=end_times.get(message_id)),
            "thread_id": message.thread_id,
            "message_id": message_id,
            "question_id": support_questions.find_waiting_question(
                kind=ItemKind.MESSAGE, actor=actor, at=at
            ),
        },
        request=request,
    )
    return HttpResponse(body)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def withdraw_support_access(request: HttpRequest, message_id: UUID) -> HttpResponse:
    actor = get_actor(request)
    try:
        message = support_access.get_own_message(actor=actor, message_id=message_id)
        support_access.withdraw_access(actor=actor, message_id=message_id, at=timezone.now())
    except mail.ObjectNotFound:
        raise Http404 from None
    messages.success(request, texts.SUPPORT_STOPPED)
    return redirect("inbox-thread", message.thread_id)
