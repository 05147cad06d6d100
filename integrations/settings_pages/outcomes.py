"""What the page says of how a connect went, with the one thing to do next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.http import HttpRequest

from accounts.actors import NoActor, actor_of
from integrations import oauth_state
from integrations.models import ConnectAttempt
from integrations.providers import PROVIDERS

from . import links
from .outcome_words import OF_ADMINISTERED, OF_CALENDARS, OUTCOMES, Next, Outcome

# How long the settings page says how the last attempt went; a good end is soon told by the account
# itself, which goes on from there.
SHOWN_FOR: Final = timedelta(minutes=5)
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

    :param administrator_url: where a link for an administrator is made, if one may be missing
    """

    tone: str
    title: str
    says: str
    action_says: str
    action_url: str | None
    administrator_url: str | None = None


def latest(request: HttpRequest, *, at: datetime) -> Shown | None:
    """Return how the person's last attempt ended, if that was a moment ago."""
    try:
        actor = actor_of(request)
    except NoActor:
        return None
    if actor.user_id is None or actor.organisation_id is None:
        return None
    attempt = oauth_state.latest(
        user_id=actor.user_id, organisation_id=actor.organisation_id, since=at - SHOWN_FOR
    )
    if attempt is None or attempt.outcome not in OUTCOMES:
        return None
    said = shown(attempt)
    is_over = (
        said.tone == "good" and attempt.ended_at is not None and attempt.ended_at < at - GOOD_FOR
    )
    return None if is_over else said


def shown(attempt: ConnectAttempt) -> Shown:
    """Return what the page says of an attempt that has ended."""
    outcome = _outcome(attempt)
    what = (attempt.provider, attempt.product, attempt.connection_id)
    url = None if outcome.action is Next.NONE else links.connect(*what)
    says = _SAYS[outcome.action]
    if outcome.action is Next.ADD:
        says = f"Add {'calendar' if attempt.product == 'calendar' else 'mail'} to that account"
    asks = outcome in OF_ADMINISTERED.values()
    administrator_url = links.administrator(*what) if asks else None
    return Shown(outcome.tone, outcome.title, outcome.says, says, url, administrator_url)


def _outcome(attempt: ConnectAttempt) -> Outcome:
    provider = PROVIDERS.get(attempt.provider)
    words = dict(OUTCOMES)
    if attempt.product == "calendar":
        words |= OF_CALENDARS
    if provider is not None and provider.asks_administrators:
        words |= OF_ADMINISTERED
    return words[attempt.outcome]
