from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.actors import NoActor, get_actor
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.connections import connect_attempts, connectable_products
from integrations.models import AttemptOutcome, ConnectAttempt
from integrations.providers import PROVIDERS
from integrations.web import ownership

from . import connect_links
from .messages.administrator import ADMIN_CONSENT_OUTCOMES
from .messages.connect import (
    ACTION_LABELS,
    OUTCOMES,
    PRODUCT_OUTCOMES,
    ConnectNextStep,
    ConnectOutcome,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# After a success, the account's own card soon shows the state.
SUCCESS_SHOWN_FOR: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ConnectResult:
    """
    :param about: the title of the product, if known
    :param administrator_url: page that creates an administrator's link, if one may be missing
    :param email_url: `mailto:` URL of a request to an administrator who has to allow the app
    :param needs_administrator: whether a new try is of no use before the administrator allowed it
    """

    attempt_id: UUID
    about: str
    tone: str
    title: StrOrPromise
    says: StrOrPromise
    action_says: StrOrPromise
    action_url: str | None
    shown_until: datetime
    administrator_url: str | None = None
    email_url: str = ""
    needs_administrator: bool = False


def get_latest_result(request: HttpRequest, *, at: datetime) -> ConnectResult | None:
    """Return None if the last attempt is settled or an hour old."""
    try:
        actor = get_actor(request)
    except NoActor:
        return None
    if actor.user_id is None or actor.organisation_id is None:
        return None
    attempt = connect_attempts.get_unsettled_attempt(
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        awaited_providers=[
            provider.key for provider in PROVIDERS.values() if provider.asks_administrators
        ],
        at=at,
    )
    if attempt is None:
        return None
    result = describe_attempt(attempt, at=at)
    return result if at < result.shown_until else None


def describe_attempt(attempt: ConnectAttempt, *, at: datetime) -> ConnectResult:
    """:param attempt: ended or pending"""
    outcome = _get_outcome(attempt, at)
    connect_args = (attempt.provider, attempt.product, attempt.connection_id)
    url = (
        None
        if outcome.action is ConnectNextStep.NONE
        else connect_links.get_connect_url(*connect_args)
    )
    may_ask_administrator = outcome in ADMIN_CONSENT_OUTCOMES.values()
    return ConnectResult(
        attempt_id=attempt.id,
        about=_get_offer_title(attempt),
        tone=outcome.tone,
        title=outcome.title,
        says=outcome.says,
        action_says=ACTION_LABELS[outcome.action],
        action_url=url,
        shown_until=(attempt.ended_at or attempt.expires_at)
        + (SUCCESS_SHOWN_FOR if outcome.tone == "good" else connect_attempts.SHOWN_FOR),
        administrator_url=connect_links.get_administrator_url(*connect_args)
        if may_ask_administrator
        else None,
        email_url=connect_links.get_app_request_email(
            attempt.provider, product=_get_offer_title(attempt)
        )
        if outcome is OUTCOMES[AttemptOutcome.ADMIN_BLOCKED]
        else "",
        needs_administrator=attempt.outcome == AttemptOutcome.ADMIN_BLOCKED,
    )


@never_cache
@require_POST
@require_permission(RolePermission.USE_OWN)
def dismiss_result(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    user_id, organisation_id = ownership.get_owner_ids(get_actor(request))
    if not connect_attempts.dismiss_attempt(
        attempt_id=attempt_id,
        user_id=user_id,
        organisation_id=organisation_id,
        at=timezone.now(),
    ):
        raise Http404
    return redirect("settings-integrations")


def _get_offer_title(attempt: ConnectAttempt) -> str:
    offer_key = (attempt.provider, attempt.product)
    return next(
        (
            offer.title
            for offer in connectable_products.list_connectable_products()
            if (offer.provider, offer.product) == offer_key
        ),
        "",
    )


def _get_outcome(attempt: ConnectAttempt, at: datetime) -> ConnectOutcome:
    provider = PROVIDERS.get(attempt.provider)
    outcomes = OUTCOMES | PRODUCT_OUTCOMES.get(attempt.product, {})
    if provider is not None and provider.asks_administrators:
        outcomes |= ADMIN_CONSENT_OUTCOMES
    has_expired = attempt.outcome == AttemptOutcome.PENDING and attempt.expires_at <= at
    return outcomes[AttemptOutcome.EXPIRED if has_expired else AttemptOutcome(attempt.outcome)]
