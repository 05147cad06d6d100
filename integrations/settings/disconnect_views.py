"""Ending it: disconnect, the removal while it runs, its receipt."""

from __future__ import annotations

from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.actors import get_actor
from accounts.permissions import page
from accounts.reauthentication import require_recent
from accounts.roles import Permission
from integrations import connections
from integrations import purge as purges
from integrations.access.request_context import asked_by
from integrations.calendar.pages import local_calendar_page
from integrations.models import PurgeTrigger
from integrations.providers import PROVIDERS
from integrations.web import ownership
from limited_use.models import Receipt
from limited_use.receipts import receipt_links

from . import disconnect_confirmation, purge_messages


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
@require_recent
def disconnect(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """Ask once, saying exactly what goes; then disconnect."""
    asked = asked_by(request)
    integration = ownership.integration(asked.actor, integration_id)
    is_local = not PROVIDERS[integration.connection.provider].grants
    if is_local and request.POST.get("files_kept") != "yes":
        return HttpResponse(local_calendar_page.ask_to_remove_all(request, asked, integration))
    if request.method == "POST":
        user_id, organisation_id = ownership.ids(asked.actor)
        job = connections.disconnect(
            integration_id=integration.id,
            user_id=user_id,
            organisation_id=organisation_id,
            at=asked.at,
            trigger=PurgeTrigger.OWNER,
        )
        return redirect("settings-purge", job.id)
    return HttpResponse(
        disconnect_confirmation.render_confirmation(
            request, asked, integration.connection, [integration]
        )
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
@require_recent
def disconnect_account(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """Ask once about all products of a connection; then disconnect them together."""
    asked = asked_by(request)
    connection, live = ownership.account(asked.actor, connection_id)
    if request.method == "POST":
        user_id, organisation_id = ownership.ids(asked.actor)
        jobs = connections.disconnect_account(
            connection_id=connection.id,
            user_id=user_id,
            organisation_id=organisation_id,
            at=asked.at,
        )
        return redirect("settings-purge", jobs[0].id)
    return HttpResponse(
        disconnect_confirmation.render_confirmation(request, asked, connection, live)
    )


@never_cache
@require_safe
@page(Permission.USE_OWN)
def purge(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Return how far a removal is, and what its receipt says once it is done."""
    job = ownership.removal(get_actor(request), purge_id)
    is_poll = bool(request.headers.get("HX-Request"))
    template = "settings/_purge.html" if is_poll else "settings/purge.html"
    return render(request, template, purge_messages.context(job))


@never_cache
@require_safe
@page(Permission.USE_OWN)
def receipt(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Return part 1 of the receipt."""
    job = ownership.removal(get_actor(request), purge_id)
    if job.receipt_id is None:
        raise Http404
    return _download(Receipt.objects.get(id=job.receipt_id), f"receipt-{job.id}")


@never_cache
@require_safe
@page(Permission.USE_OWN)
def second_part(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Return part 2 of the receipt; it is not there before the key epoch has ended."""
    job = ownership.removal(get_actor(request), purge_id)
    second = purges.second_part_of(job)
    if second is None:
        raise Http404
    return _download(second, f"receipt-{job.id}-part-2")


def _download(part: Receipt, name: str) -> HttpResponse:
    """Return the receipt's exact bytes: they are what is signed."""
    response = HttpResponse(bytes(part.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{name}.json"'
    return response


@never_cache
@require_POST
@page(Permission.USE_OWN)
def link(request: HttpRequest, purge_id: UUID) -> HttpResponse:
    """Make a link to the receipt that needs no account, and show it this once."""
    job = ownership.removal(get_actor(request), purge_id)
    if job.receipt_id is None:
        raise Http404
    token = receipt_links.make(subject_id=job.integration_id, at=timezone.now())
    address = f"{settings.PUBLIC_URL}{reverse('receipt-link', args=[token])}"
    context = {**purge_messages.context(job), "receipt_link": address}
    return render(request, "settings/purge.html", context)


@never_cache
@require_POST
@page(Permission.USE_OWN)
@require_recent
def forget(request: HttpRequest, connection_id: UUID) -> HttpResponse:
    """End a connection of which nothing is switched on."""
    actor = get_actor(request)
    own = ownership.connection(actor, str(connection_id))
    if own is None:
        raise Http404
    user_id, organisation_id = ownership.ids(actor)
    connections.forget(
        connection_id=own, user_id=user_id, organisation_id=organisation_id, at=timezone.now()
    )
    messages.success(request, "Removed.")
    return redirect("settings-integrations")
