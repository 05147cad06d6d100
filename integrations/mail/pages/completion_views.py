"""What scripts of the form ask for: addresses to complete, and the account's own addresses."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access import permits
from integrations.access.fences import DisconnectedError
from integrations.access.request_context import ObjectNotFound, get_request_context
from integrations.grants import provider_calls
from integrations.mail.sending import address_completion, compose_base, send_message
from integrations.mail.sending.compose_base import ComposeSource
from integrations.providers import errors
from integrations.web import ownership


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def list_addresses(request: HttpRequest) -> HttpResponse:
    context = get_request_context(request)
    return HttpResponse(
        address_completion.render_addresses(context), content_type="application/json"
    )


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def list_senders(request: HttpRequest) -> HttpResponse:
    """
    Return the addresses from which the mailbox can send; none if the provider does not list them,
    or does not answer: the message then leaves from the account's own address.
    """
    context = get_request_context(request)
    mailbox_id = ownership.parse_uuid(request.GET.get("mailbox"))
    try:
        base = compose_base.find_compose_base(context, ComposeSource(mailbox_id=mailbox_id))
    except ObjectNotFound:
        raise Http404 from None
    mailbox = base.mailbox
    if mailbox is None or not base.is_ready:
        return JsonResponse({"addresses": []})
    # Shows addresses of the account, as the settings do.
    permits.to_show_accounts(
        actor=context.actor, connection_ids=[mailbox.connection_id], at=context.at
    )
    addresses: list[dict[str, object]] = []
    if send_message.is_sending_allowed(mailbox):
        try:
            with provider_calls.open_mailbox(mailbox.connection_id) as (units, call):
                found = call(units.send_addresses, lambda adapter: adapter.get_send_addresses())
        except (DisconnectedError, errors.ProviderError):
            found = ()
        addresses = [
            {
                "name": entry.address.name,
                "address": entry.address.address,
                "is_default": entry.is_default,
            }
            for entry in found
        ]
    return JsonResponse({"addresses": addresses})
