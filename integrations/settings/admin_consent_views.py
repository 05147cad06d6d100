"""Where an administrator has to agree first: the link for them, and how the waiting stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actors import Actor, get_actor
from accounts.permissions import page
from accounts.roles import Permission
from integrations import connections
from integrations.access.endpoints import admin_consent_url
from integrations.connections import admin_consent, connectable_products
from integrations.connections.connectable_products import Offer
from integrations.models import Approval, ApprovalState
from integrations.providers import PROVIDERS
from integrations.web import ownership
from limited_use.policy.claims import claim

from . import connect_links


@dataclass(frozen=True, slots=True)
class _Words:
    tone: str
    title: str
    says: str


_WORDS: Final[Mapping[str, _Words]] = MappingProxyType(
    {
        ApprovalState.WAITING: _Words(
            "info",
            "Waiting for your administrator.",
            "We hear of it when they come back from the link that you made. Where they agreed in"
            " another way, just connect.",
        ),
        ApprovalState.GIVEN: _Words(
            "good",
            "Your administrator allowed it, we are told.",
            claim("approval.given", "Nothing is connected by that. It is your turn: connect now."),
        ),
        ApprovalState.REFUSED: _Words(
            "warn",
            "Your administrator did not allow it, we are told.",
            claim(
                "approval.refused",
                "Nothing was connected. Talk to them; with a new link they can decide again.",
            ),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Card:
    """
    One thing that waits for an administrator, or was answered.

    :param is_given: connecting is what to do next; else a new link is
    """

    id: UUID
    offer_title: str
    words: _Words
    is_given: bool
    asked_at: datetime
    expires_at: datetime
    connect_url: str
    administrator_url: str | None


def cards(actor: Actor, *, at: datetime) -> list[Card]:
    """Return what the settings page says of what the person's administrators were asked."""
    if actor.user_id is None or actor.organisation_id is None:
        return []
    theirs = admin_consent.of_person(
        user_id=actor.user_id, organisation_id=actor.organisation_id, at=at
    )
    titles = (
        {(one.provider, one.product): one.title for one in connectable_products.offers()}
        if theirs
        else {}
    )
    # What is not offered any more cannot be connected either.
    return [
        _card(one, titles[one.provider, one.product])
        for one in theirs
        if (one.provider, one.product) in titles
    ]


def _card(one: Approval, title: str) -> Card:
    what = (one.provider, one.product, one.connection_id)
    return Card(
        id=one.id,
        offer_title=title,
        words=_WORDS[one.state],
        is_given=one.state == ApprovalState.GIVEN,
        asked_at=one.asked_at,
        expires_at=one.expires_at,
        connect_url=connect_links.connect(*what),
        administrator_url=connect_links.administrator(*what),
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@page(Permission.USE_OWN)
def administrator(request: HttpRequest, provider: str) -> HttpResponse:
    """Say what an administrator is asked for; make the link for them, and show it this once."""
    actor = get_actor(request)
    offer = _offer(provider, request.GET.get("product", "mail"))
    connection_id = ownership.connection(actor, request.GET.get("connection"))
    link = ""
    if request.method == "POST":
        link = connections.ask_administrator(
            actor=actor,
            provider=provider,
            product=offer.product,
            connection_id=connection_id,
            at=timezone.now(),
        )
    context = {
        "offer": offer,
        "requests": connectable_products.requests_of(
            PROVIDERS[provider], offer.product, connection_id=connection_id
        ),
        "days": admin_consent.LIFETIME.days,
        "link": link,
        "connect_url": connect_links.connect(provider, offer.product, connection_id),
    }
    return render(request, "settings/administrator.html", context)


def _offer(provider: str, product: str) -> Offer:
    """Return what an administrator can be asked to allow."""
    wanted = (provider, product)
    found = next(
        (one for one in connectable_products.offers() if (one.provider, one.product) == wanted),
        None,
    )
    if found is None or not admin_consent_url(provider):
        raise Http404
    return found


@never_cache
@require_POST
@page(Permission.USE_OWN)
def forget(request: HttpRequest, approval_id: UUID) -> HttpResponse:
    """Forget that an administrator was asked: the link is good no more."""
    user_id, organisation_id = ownership.ids(get_actor(request))
    if not admin_consent.forget(
        approval_id=approval_id, user_id=user_id, organisation_id=organisation_id
    ):
        raise Http404
    messages.success(request, "Forgotten. The link is good no more.")
    return redirect("settings-integrations")
