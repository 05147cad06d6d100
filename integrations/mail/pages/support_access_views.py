"""Let support read one message: explicit consent, for a limited time, withdrawn at once."""

from __future__ import annotations

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
from integrations.access.request_context import InvalidChoice
from integrations.access.support_and_export_permits import SUPPORT
from integrations.mail import mail_row_types, support_access
from integrations.mail import messages as texts
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES
from limited_use.sinks import page_sink


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
        if _open_from_form(request, message_id):
            return redirect("inbox-thread", message.thread_id)
        return redirect("inbox-support", message_id)
    feature = FEATURES[SUPPORT]
    reading = support_access.get_support_message_head(actor=actor, message=message, at=at)
    open_until = support_access.get_support_end_times(actor=actor, message_ids=[message_id], at=at)
    body = page_sink.render_page(
        "inbox/support.html",
        reading.rows,
        permits=reading.permits,
        actor=actor,
        shape=mail_row_types.shape_message_summary,
        at=at,
        context={
            "choices": texts.SUPPORT_TIMES.items(),
            "disclosure": feature.disclosure,
            "version": feature.version,
            "until": open_until.get(message_id),
            "thread_id": message.thread_id,
            "message_id": message_id,
            "question_id": support_access.find_waiting_question(actor=actor, at=at),
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


def _open_from_form(request: HttpRequest, message_id: UUID) -> bool:
    if request.POST.get("agree") != "yes":
        messages.error(request, texts.SUPPORT_NOT_AGREED)
        return False
    try:
        support_access.open_to_support(
            actor=get_actor(request),
            message_id=message_id,
            hours=read_number(request.POST.get("hours", "")) or 0,
            version=read_number(request.POST.get("version", "")) or 0,
            at=timezone.now(),
        )
    except InvalidChoice:
        messages.error(request, texts.SUPPORT_NO_TIME)
        return False
    except consents.DeclarationOutdated:
        messages.info(request, texts.SUPPORT_OUTDATED)
        return False
    messages.success(request, texts.SUPPORT_STARTED)
    return True
