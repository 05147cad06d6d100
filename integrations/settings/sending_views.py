"""Allow sending when a person first writes, and the choices for sending from a mailbox."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations.access import scopes
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import InvalidChoice, get_request_context
from integrations.connections import requested_permissions
from integrations.mail.pages import compose_form
from integrations.mail.sending import send_message, sending_settings
from integrations.models import Integration
from integrations.providers import PROVIDERS
from integrations.web import account_rows, ownership
from integrations.web.form_numbers import read_number
from limited_use.agreements import consents
from limited_use.policy.feature_registry import FEATURES

from .connect_views import HttpResponseSeeOther
from .messages import confirmations


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def allow_sending(request: HttpRequest) -> HttpResponse:
    """Explain what Antares does when the person sends. Reading continues without it."""
    fields = request.POST if request.method == "POST" else request.GET
    mailbox = _get_mailbox(request, ownership.parse_uuid(fields.get("mailbox")))
    next_url = compose_form.read_compose_url(fields.get("next", ""))
    if request.method == "POST" and _is_granted(mailbox) and not _agree(request):
        messages.info(request, confirmations.AGREE_FIRST)
    if send_message.is_sending_allowed(mailbox) and next_url:
        return HttpResponseSeeOther(next_url)
    return _render_question(request, mailbox, next_url)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def save_settings(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    mailbox = _get_mailbox(request, integration_id)
    try:
        sending_settings.save_sending_settings(
            get_request_context(request),
            mailbox,
            undo_seconds=read_number(request.POST.get("undo_seconds", "")) or 0,
            signature=request.POST.get("signature", ""),
        )
    except InvalidChoice:
        messages.error(request, confirmations.SENDING_NOT_SAVED)
    except DisconnectedError:
        raise Http404 from None
    else:
        messages.success(request, confirmations.SENDING_SAVED)
    return redirect("settings-details", mailbox.id)


def _agree(request: HttpRequest) -> bool:
    actor = get_actor(request)
    user_id, organisation_id = ownership.get_owner_ids(actor)
    if request.POST.get("agree") != "yes":
        return False
    try:
        connections.agree_in_context(
            feature=send_message.SENDING,
            version=read_number(request.POST.get("version", "")) or 0,
            user_id=user_id,
            organisation_id=organisation_id,
            at=timezone.now(),
        )
    except consents.DeclarationOutdated:
        return False
    return True


def _render_question(request: HttpRequest, mailbox: Integration, next_url: str) -> HttpResponse:
    at = timezone.now()
    connection, feature = mailbox.connection, FEATURES[send_message.SENDING]
    provider = PROVIDERS[connection.provider]
    context: dict[str, Any] = {
        "mailbox": mailbox,
        "offer": provider,
        "feature": feature,
        "requests": requested_permissions.list_requested_scopes(
            provider, ["mail"], features=[*scopes.features_for("mail"), feature]
        ),
        "next_url": next_url,
        "is_allowed": send_message.is_sending_allowed(mailbox),
        "is_granted": _is_granted(mailbox),
        "is_ready": send_message.is_ready(mailbox),
        "is_refused": request.GET.get("refused") == "yes",
    }
    page = account_rows.render_account_page(
        request,
        "settings/allow_sending.html",
        account_rows.get_account_rows(connection, actor=get_actor(request), at=at),
        context=context,
        at=at,
    )
    return HttpResponse(page)


def _is_granted(mailbox: Integration) -> bool:
    provider = PROVIDERS[mailbox.connection.provider]
    granted = mailbox.connection.granted_scopes
    return FEATURES[send_message.SENDING].capabilities <= scopes.get_usable_capabilities(
        provider, granted
    )


def _get_mailbox(request: HttpRequest, integration_id: UUID) -> Integration:
    """:raises Http404: also if the provider sends no mail"""
    mailbox = ownership.get_integration(get_actor(request), integration_id)
    provider = PROVIDERS[mailbox.connection.provider]
    if mailbox.product != "mail" or provider.outgoing_mail is None:
        raise Http404
    return mailbox
