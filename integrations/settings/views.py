"""The settings pages: parse, one call, render. What ends something is in `disconnect_views`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.actors import get_actor
from accounts.permissions import page
from accounts.roles import Permission
from integrations.access import permits
from integrations.connections import connectable_products
from integrations.mail import sync_controls
from integrations.providers import PROVIDERS
from integrations.web import ownership
from limited_use.sinks import page as page_sink
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.port import KeyStoreUnavailable

from . import (
    admin_consent_views,
    calendar_cards,
    connect_links,
    connect_results,
    overview,
    purge_messages,
    return_to,
)
from .data_use import feature_status

SETTINGS = "settings-integrations"


@never_cache
@require_safe
@page(Permission.USE_OWN)
def integrations(request: HttpRequest) -> HttpResponse:
    """Return the page of everything connected, offered and removed."""
    try:
        return HttpResponse(_integrations(request, shows_addresses=True))
    except (KeyStoreUnavailable, Unopenable):
        # Whose key does not open now must still be able to see what stands, and to end it.
        return HttpResponse(_integrations(request, shows_addresses=False))


def _integrations(request: HttpRequest, *, shows_addresses: bool) -> bytes:
    actor, at = get_actor(request), timezone.now()
    accounts = overview.accounts(actor=actor, at=at)
    ids = [connection.id for connection, _ in accounts]
    return page_sink.render(
        "settings/integrations.html",
        [
            page_sink.Row(one, {"email": one[0].email} if shows_addresses else {})
            for one in accounts
        ],
        permits=permits.to_show_accounts(actor=actor, connection_ids=ids, at=at)
        if shows_addresses
        else {},
        actor=actor,
        shape=_account,
        at=at,
        under="accounts",
        context={
            "outcome": return_to.with_way_back(request, connect_results.latest(request, at=at)),
            "approvals": admin_consent_views.cards(actor, at=at),
            "offers": connectable_products.offers(),
            "calendars": calendar_cards.of_person(actor),
            "to_agree": feature_status.to_agree(actor, at=at),
            "purges": [purge_messages.row(job) for job in overview.purges(actor=actor)],
            "horizons": overview.HORIZONS,
            "shows_addresses": shows_addresses,
        },
        request=request,
    )


def _account(row: Any, opened: Mapping[str, bytes]) -> page_sink.Shown:
    account: overview.Account = row[1]
    return page_sink.Shown(
        {field.name: getattr(account, field.name) for field in fields(account)}
        | {"has_address": "email" in opened},
        {"email": opened.get("email", b"").decode()},
    )


@never_cache
@require_safe
@page(Permission.USE_OWN)
def connect(request: HttpRequest, provider: str) -> HttpResponse:
    """Return what will be asked and why: shown immediately before consent."""
    wanted = (provider, request.GET.get("product", "mail"))
    offer = next(
        (one for one in connectable_products.offers() if (one.provider, one.product) == wanted),
        None,
    )
    if offer is None:
        raise Http404
    connection_id = ownership.connection(get_actor(request), request.GET.get("connection"))
    return_to.remember(request)
    context = {
        "offer": offer,
        "connection_id": connection_id,
        "administrator_url": connect_links.administrator(provider, offer.product, connection_id),
        "requests": connectable_products.requests_of(
            PROVIDERS[provider], offer.product, connection_id=connection_id
        ),
        "is_added": connection_id is not None
        and not overview.has(connection_id, product=offer.product),
    }
    return render(request, "settings/connect.html", context)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def progress(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """
    Return the moving part of one account's card.

    The page says which status it shows; where that is another one by now, badge and
    buttons come along. Else they are left alone, and with them the keyboard's focus.
    """
    integration = ownership.integration(get_actor(request), integration_id)
    item = overview.of_integration(integration, at=timezone.now())
    context = {"item": item, "is_other": request.GET.get("was") != item.words.label}
    return render(request, "settings/_moved.html", context)


@never_cache
@require_POST
@page(Permission.USE_OWN)
def sync_now(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    integration = ownership.integration(get_actor(request), integration_id)
    sync_controls.sync_now(integration_id=integration.id, at=timezone.now())
    messages.success(request, "Checking for news now.")
    return redirect(SETTINGS)


@never_cache
@require_POST
@page(Permission.USE_OWN)
def horizon(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    integration = ownership.integration(get_actor(request), integration_id)
    choice = request.POST.get("horizon_days", "")
    if choice not in dict(overview.HORIZONS):
        messages.error(request, "Choose one of the lengths on the list.")
        return redirect(SETTINGS)
    sync_controls.set_horizon(
        integration_id=integration.id,
        days=None if choice == "all" else int(choice),
        at=timezone.now(),
    )
    messages.success(request, "Saved. Mail beyond it goes; mail within it comes in.")
    return redirect(SETTINGS)


@never_cache
@require_safe
@page(Permission.USE_OWN)
def details(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """Return how one account stands: permissions, comparisons, what was set aside and why."""
    integration = ownership.integration(get_actor(request), integration_id)
    at = timezone.now()
    item = overview.of_integration(integration, at=at)
    context = {
        "item": item,
        "news": overview.news(item, at=at),
        "permissions": overview.permissions(integration.connection),
        "comparisons": overview.comparisons(integration.id),
        "set_aside": overview.set_aside(integration.id),
        "integration_id": integration.id,
    }
    return render(request, "settings/details.html", context)


@never_cache
@require_POST
@page(Permission.USE_OWN)
def retry(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    integration = ownership.integration(get_actor(request), integration_id)
    sync_controls.retry_quarantined(integration_id=integration.id, at=timezone.now())
    messages.success(request, "They will be tried again with the next check.")
    return redirect("settings-details", integration.id)
