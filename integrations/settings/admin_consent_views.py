from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Actor, get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations import connections
from integrations.access.endpoints import admin_consent_url
from integrations.connections import admin_consent, connectable_products
from integrations.connections.connectable_products import ConnectableProduct
from integrations.models import Approval, ApprovalState
from integrations.providers import PROVIDERS
from integrations.web import ownership
from limited_use.policy.feature_registry import FEATURES

from . import connect_links
from .messages import confirmations
from .messages.administrator import APPROVALS, ApprovalMessage


@dataclass(frozen=True, slots=True)
class AdminConsentCard:
    """
    :param is_waiting: the administrator has not answered, and the link works
    :param is_given: the next step is to connect; otherwise, a new link
    """

    id: UUID
    offer_title: str
    words: ApprovalMessage
    is_waiting: bool
    is_given: bool
    asked_at: datetime
    expires_at: datetime
    connect_url: str
    administrator_url: str | None


def list_cards(actor: Actor, *, at: datetime) -> list[AdminConsentCard]:
    if actor.user_id is None or actor.organisation_id is None:
        return []
    approvals = admin_consent.list_admin_consent_requests(
        user_id=actor.user_id, organisation_id=actor.organisation_id, at=at
    )
    titles = (
        {
            (offer.provider, offer.product): offer.title
            for offer in connectable_products.list_connectable_products()
        }
        if approvals
        else {}
    )
    # Products that are no longer offered cannot be connected.
    return [
        _make_card(approval, titles[approval.provider, approval.product])
        for approval in approvals
        if (approval.provider, approval.product) in titles
    ]


def _make_card(approval: Approval, title: str) -> AdminConsentCard:
    connect_args = (approval.provider, approval.product, approval.connection_id)
    return AdminConsentCard(
        id=approval.id,
        offer_title=title,
        words=APPROVALS[approval.state],
        is_waiting=approval.state == ApprovalState.WAITING,
        is_given=approval.state == ApprovalState.GIVEN,
        asked_at=approval.asked_at,
        expires_at=approval.expires_at,
        connect_url=connect_links.get_connect_url(*connect_args),
        administrator_url=connect_links.get_administrator_url(*connect_args),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(RolePermission.USE_OWN)
def ask_administrator(request: HttpRequest, provider: str) -> HttpResponse:
    """On POST, create the administrator's link and show it once."""
    actor = get_actor(request)
    offer = _get_offer(provider, request.GET.get("product", "mail"))
    connection_id = ownership.get_connection_id(actor, request.GET.get("connection"))
    link = ""
    if request.method == "POST":
        link = connections.create_admin_consent_link(
            actor=actor,
            provider=provider,
            product=offer.product,
            connection_id=connection_id,
            at=timezone.now(),
        )
    requests, connect_requests = (
        connectable_products.list_requested_permissions(
            PROVIDERS[provider], offer.product, connection_id=connection_id, features=features
        )
        for features in (FEATURES.values(), None)
    )
    context = {
        "offer": offer,
        "requests": requests,
        "asks_for_later": len(requests) > len(connect_requests),
        "days": admin_consent.LIFETIME.days,
        "link": link,
        "email_url": connect_links.get_administrator_email(
            link, product=offer.title, days=admin_consent.LIFETIME.days
        ),
        "connect_url": connect_links.get_connect_url(provider, offer.product, connection_id),
    }
    return render(request, "settings/administrator.html", context)


def _get_offer(provider: str, product: str) -> ConnectableProduct:
    """:raises Http404: also if the provider has no admin consent"""
    offer_key = (provider, product)
    offer = next(
        (
            candidate
            for candidate in connectable_products.list_connectable_products()
            if (candidate.provider, candidate.product) == offer_key
        ),
        None,
    )
    if offer is None or not admin_consent_url(provider):
        raise Http404
    return offer


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def forget_admin_consent_request(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """The link is no longer valid."""
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    if not admin_consent.delete_request(
        approval_id=approval_id, user_id=user_id, organisation_id=organisation_id
    ):
        raise Http404
    messages.success(request, confirmations.APPROVAL_DISMISSED)
    return redirect("settings-integrations")
