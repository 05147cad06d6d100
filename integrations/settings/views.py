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
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.access import permits, scopes
from integrations.connections import (
    connectable_products,
    permission_status,
    product_status,
    status_messages,
)
from integrations.connections.messages import PURPOSES
from integrations.mail import sync_controls
from integrations.models import Integration
from integrations.providers import PROVIDERS
from integrations.web import account_rows, ownership
from limited_use.sinks import page_sink
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import (
    account_overview,
    admin_consent_views,
    connect_links,
    connect_results,
    mailbox_details,
    purge_page,
    return_to,
    sending_section,
)
from .data_use import feature_status
from .messages import confirmations

SETTINGS_ROUTE = "settings-integrations"


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_integrations(request: HttpRequest) -> HttpResponse:
    # Without their key, owners must still see and end their connections.
    try:
        page = _render_integrations(request, shows_addresses=True)
    except KeyStoreUnavailable:
        page = _render_integrations(request, shows_addresses=False, is_key_store_away=True)
    except Unopenable:
        page = _render_integrations(request, shows_addresses=False)
    return HttpResponse(page)


def _render_integrations(
    request: HttpRequest, *, shows_addresses: bool, is_key_store_away: bool = False
) -> bytes:
    actor, at = get_actor(request), timezone.now()
    to_agree = feature_status.list_features_needing_consent(actor, at=at)
    changed = frozenset(feature.feature.key for feature in to_agree)
    accounts = account_overview.list_accounts(actor=actor, changed=changed, at=at)
    ids = [connection.id for connection, _card in accounts]
    return page_sink.render_page(
        "settings/integrations.html",
        [
            page_sink.SealedRow(
                account_row, {"email": account_row[0].email} if shows_addresses else {}
            )
            for account_row in accounts
        ],
        permits=permits.to_show_accounts(actor=actor, connection_ids=ids, at=at)
        if shows_addresses
        else {},
        actor=actor,
        shape=_present_account,
        at=at,
        under="accounts",
        context={
            "outcome": return_to.add_return_link(
                request, connect_results.get_latest_result(request, at=at)
            ),
            "approvals": admin_consent_views.list_cards(actor, at=at),
            "offers": connectable_products.list_connectable_products(),
            "purposes": PURPOSES.values(),
            "local_calendars": account_overview.get_local_calendars(actor),
            "to_agree": to_agree,
            "purges": [
                purge_page.get_purge_table_row(job)
                for job in account_overview.list_purges(actor=actor)
            ],
            "shows_addresses": shows_addresses,
            "is_key_store_away": is_key_store_away,
        },
        request=request,
    )


def _present_account(row: Any, opened: Mapping[str, bytes]) -> page_sink.TemplateItem:
    card: account_overview.AccountCard = row[1]
    return page_sink.TemplateItem(
        {field.name: getattr(card, field.name) for field in fields(card)}
        | {"has_address": "email" in opened},
        {"email": opened.get("email", b"").decode()},
    )


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_connect(request: HttpRequest, provider: str) -> HttpResponse:
    """Show the requested permissions and their reasons, immediately before consent."""
    offer_key = (provider, request.GET.get("product", "mail"))
    offer = next(
        (
            candidate
            for candidate in connectable_products.list_connectable_products()
            if (candidate.provider, candidate.product) == offer_key
        ),
        None,
    )
    if offer is None:
        raise Http404
    connection_id = ownership.get_connection_id(get_actor(request), request.GET.get("connection"))
    return_to.remember_origin(request)
    requests = connectable_products.list_requested_permissions(
        PROVIDERS[provider], offer.product, connection_id=connection_id
    )
    context = {
        "offer": offer,
        "connection_id": connection_id,
        "administrator_url": connect_links.get_administrator_url(
            provider, offer.product, connection_id
        ),
        "requests": requests,
        # Permissions of other products that the same consent has to repeat.
        "repeats_permissions": len(requests) > len(offer.requests),
        "is_added": connection_id is not None
        and not account_overview.has_connected_product(connection_id, product=offer.product),
    }
    return render(request, "settings/connect.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_progress(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    """
    Return the changing part of a mailbox's row.

    Badge and buttons are replaced only if the status differs from the one that the page sends: a
    replacement loses the keyboard focus.
    """
    integration = _get_mailbox(request, integration_id)
    row = account_overview.get_mail_row(integration, actor=get_actor(request), at=timezone.now())
    context = {"row": row, "is_other": request.GET.get("was") != row.words.label}
    return render(request, "settings/_moved.html", context)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def sync_now(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    actor, at = get_actor(request), timezone.now()
    integration = ownership.get_integration(actor, integration_id)
    changed = account_overview.list_changed_features(actor, at=at)
    if product_status.needs_agreement(integration, changed):
        messages.warning(request, status_messages.PAUSED.says)
    else:
        sync_controls.sync_now(integration_id=integration.id, at=at)
        messages.success(request, confirmations.SYNC_STARTED)
    return redirect(SETTINGS_ROUTE)


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def set_horizon(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    integration = _get_mailbox(request, integration_id)
    choice = request.POST.get("horizon_days", "")
    if choice not in dict(mailbox_details.HORIZONS):
        messages.error(request, confirmations.UNKNOWN_CHOICE)
        return redirect("settings-details", integration.id)
    sync_controls.set_horizon(
        integration_id=integration.id,
        days=None if choice == "all" else int(choice),
        at=timezone.now(),
    )
    messages.success(request, confirmations.HORIZON_SAVED)
    return redirect("settings-details", integration.id)


@never_cache
@require_safe
@require_permission(RolePermission.USE_OWN)
def show_details(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    integration = _get_mailbox(request, integration_id)
    at = timezone.now()
    row = account_overview.get_mail_row(integration, actor=get_actor(request), at=at)
    context = {
        "row": row,
        "updates": mailbox_details.get_update_source(row, at=at),
        "permissions": permission_status.list_permissions(
            integration.connection, scopes.get_connect_products("mail", integration.connection_id)
        ),
        "has_other_products": integration.connection.integrations.live()
        .exclude(product="mail")
        .exists(),
        "comparisons": mailbox_details.list_sync_comparisons(integration.id),
        "quarantined": mailbox_details.list_quarantined(integration.id),
        "horizons": mailbox_details.HORIZONS,
        "horizon": mailbox_details.get_horizon(integration.horizon_days),
        **sending_section.describe_section(integration),
    }
    return HttpResponse(
        account_rows.render_account_page(
            request,
            "settings/details.html",
            sending_section.get_account_rows(integration, actor=get_actor(request), at=at),
            context=context,
            at=at,
        )
    )


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def retry_quarantined(request: HttpRequest, integration_id: UUID) -> HttpResponse:
    integration = ownership.get_integration(get_actor(request), integration_id)
    sync_controls.retry_quarantined(integration_id=integration.id, at=timezone.now())
    messages.success(request, confirmations.RETRY_STARTED)
    return redirect("settings-details", integration.id)


def _get_mailbox(request: HttpRequest, integration_id: UUID) -> Integration:
    integration = ownership.get_integration(get_actor(request), integration_id)
    if integration.product != "mail":
        raise Http404
    return integration
