"""What the page says of how a connect went, with the one thing to do next, until it is settled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts.actors import NoActor, get_actor
from accounts.permissions import page
from accounts.roles import Permission
from integrations.connections import connect_attempts, connectable_products
from integrations.models import AttemptOutcome, ConnectAttempt
from integrations.providers import PROVIDERS
from integrations.web import ownership

from . import connect_links
from .connect_messages import OF_ADMINISTERED, OF_CALENDARS, OUTCOMES, Next, Outcome

# A good end is soon told by the account itself, which goes on from there.
GOOD_FOR: Final = timedelta(minutes=1)

_SAYS: Final[dict[Next, str]] = {
    Next.CONNECT: "Try again",
    Next.RECONNECT: "Reconnect",
    Next.ADD: "Add it to that account",
    Next.NONE: "",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """
    An outcome on the page, with the address of what to do next; None where there is nothing.

    :param about: what was to be connected, where that is known
    :param shown_until: when the page stops showing it by itself
    :param administrator_url: where a link for an administrator is made, if one may be missing
    """

    attempt_id: UUID
    about: str
    tone: str
    title: str
    says: str
    action_says: str
    action_url: str | None
    shown_until: datetime
    administrator_url: str | None = None


def latest(request: HttpRequest, *, at: datetime) -> Shown | None:
    """Return how the person's last attempt stands, unless it is settled or an hour old."""
    try:
        actor = get_actor(request)
    except NoActor:
        return None
    if actor.user_id is None or actor.organisation_id is None:
        return None
    attempt = connect_attempts.get_unsettled(
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        awaited=[one.key for one in PROVIDERS.values() if one.asks_administrators],
        at=at,
    )
    if attempt is None:
        return None
    said = shown(attempt, at=at)
    return said if at < said.shown_until else None


def shown(attempt: ConnectAttempt, *, at: datetime) -> Shown:
    """Return what the page says of an attempt: one that ended, or one that is waited for."""
    outcome = _outcome(attempt, at)
    what = (attempt.provider, attempt.product, attempt.connection_id)
    url = None if outcome.action is Next.NONE else connect_links.connect(*what)
    says = _SAYS[outcome.action]
    if outcome.action is Next.ADD:
        says = f"Add {'calendar' if attempt.product == 'calendar' else 'mail'} to that account"
    asks = outcome in OF_ADMINISTERED.values()
    return Shown(
        attempt_id=attempt.id,
        about=_about(attempt),
        tone=outcome.tone,
        title=outcome.title,
        says=outcome.says,
        action_says=says,
        action_url=url,
        shown_until=(attempt.ended_at or attempt.expires_at)
        + (GOOD_FOR if outcome.tone == "good" else connect_attempts.SHOWN_FOR),
        administrator_url=connect_links.administrator(*what) if asks else None,
    )


@never_cache
@require_POST
@page(Permission.USE_OWN)
def dismiss(request: HttpRequest, attempt_id: UUID) -> HttpResponse:
    """Stop showing how an attempt went."""
    user_id, organisation_id = ownership.ids(get_actor(request))
    if not connect_attempts.dismiss(
        attempt_id=attempt_id,
        user_id=user_id,
        organisation_id=organisation_id,
        at=timezone.now(),
    ):
        raise Http404
    return redirect("settings-integrations")


def _about(attempt: ConnectAttempt) -> str:
    kind = (attempt.provider, attempt.product)
    return next(
        (one.title for one in connectable_products.offers() if (one.provider, one.product) == kind),
        "",
    )


def _outcome(attempt: ConnectAttempt, at: datetime) -> Outcome:
    provider = PROVIDERS.get(attempt.provider)
    words = dict(OUTCOMES)
    if attempt.product == "calendar":
        words |= OF_CALENDARS
    if provider is not None and provider.asks_administrators:
        words |= OF_ADMINISTERED
    is_over = attempt.outcome == AttemptOutcome.PENDING and attempt.expires_at <= at
    return words[AttemptOutcome.EXPIRED if is_over else AttemptOutcome(attempt.outcome)]
