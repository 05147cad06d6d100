from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import get_actor
from accounts.reauthentication import require_recent_confirmation
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations import purge as purges
from integrations.access.request_context import get_request_context
from integrations.calendar.pages import local_calendar_page
from integrations.models import PurgeTrigger
from integrations.providers import PROVIDERS
from integrations.web import ownership
from limited_use.models import Receipt
from limited_use.receipts import receipt_links

from . import disconnect_confirmation, purge_page
from .messages import confirmations


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Disconnect, and remove its data from Antares"))
def disconnect_integration(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    request_context = get_request_context(request)
    integration = ownership.get_integration(request_context.actor, integration_id)
    is_local = not PROVIDERS[integration.connection.provider].grants
    if is_local and request.POST.get("files_kept") != "yes":
        return HttpResponse(
            local_calendar_page.render_remove_all(request, request_context, integration)
        )
    if request.method == "POST":
        user_id, organisation_id = ownership.get_owner_ids(request_context.actor)
        job = connections.disconnect_integration(
            integration_id=integration.id,
            user_id=user_id,
            organisation_id=organisation_id,
            at=request_context.at,
            trigger=PurgeTrigger.OWNER,
        )
        return redirect("settings-purge", job.id)
    return HttpResponse(
        disconnect_confirmation.render_confirmation(
            request, request_context, integration.connection, [integration]
        )
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Disconnect the whole account, and remove its data from Antares"))
def disconnect_account(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask once for all products, and disconnect them together."""
    request_context = get_request_context(request)
    connection, integrations = ownership.get_own_account(request_context.actor, connection_id)
    if request.method == "POST":
        user_id, organisation_id = ownership.get_owner_ids(request_context.actor)
        jobs = connections.disconnect_account(
            connection_id=connection.id,
            user_id=user_id,
            organisation_id=organisation_id,
            at=request_context.at,
        )
        return redirect("settings-purge", jobs[0].id)
    return HttpResponse(
        disconnect_confirmation.render_confirmation(
            request, request_context, connection, integrations
        )
    )


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_purge(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Show the progress of a removal, and its receipt at the end."""
    job = ownership.get_own_purge(get_actor(request), purge_id)
    is_poll = bool(request.headers.get("HX-Request"))
    template = "settings/_purge.html" if is_poll else "settings/purge.html"
    return render(request, template, purge_page.get_purge_page_context(job))


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_receipt(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Part 1."""
    job = ownership.get_own_purge(get_actor(request), purge_id)
    if job.receipt_id is None:
        raise Http404
    return _render_receipt(Receipt.objects.get(id=job.receipt_id), f"receipt-{job.id}")


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def download_second_part(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Part 2 exists after the key epoch ends."""
    job = ownership.get_own_purge(get_actor(request), purge_id)
    second = purges.get_key_destruction_receipt(job)
    if second is None:
        raise Http404
    return _render_receipt(second, f"receipt-{job.id}-part-2")


def _render_receipt(part: Receipt, name: str) -> HttpResponse:
    """The signature covers these exact bytes."""
    response = HttpResponse(bytes(part.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def create_receipt_link(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Show once a link that works without an account."""
    job = ownership.get_own_purge(get_actor(request), purge_id)
    if job.receipt_id is None:
        raise Http404
    token = receipt_links.create_link(subject_id=job.integration_id, at=timezone.now())
    url = f"{settings.PUBLIC_URL}{reverse('receipt-link', args=[token])}"
    context = {**purge_page.get_purge_page_context(job), "receipt_link": url}
    return render(request, "settings/purge.html", context)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
@require_recent_confirmation(_("Remove a connection"))
def forget_connection(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Remove a connection without live integrations."""
    actor = get_actor(request)
    own_id = ownership.get_connection_id(actor, str(connection_id))
    if own_id is None:
        raise Http404
    user_id, organisation_id = ownership.get_owner_ids(actor)
    connections.remove_empty_connection(
        connection_id=own_id, user_id=user_id, organisation_id=organisation_id, at=timezone.now()
    )
    messages.success(request, confirmations.CONNECTION_REMOVED)
    return redirect("settings-integrations")
