"""
Whether a provider tells anybody of anything: if not, it is not the mailboxes that are at fault.

A subscription that expired (Pub/Sub drops one that was idle for 31 days, unless told not to), a
wrong address or audience, a proxy in between: nobody here can look, and everybody's silence shows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet

from integrations.grants import provider_alerts
from integrations.models import FETCHABLE, Watch, WatchStatus
from integrations.providers import PROVIDERS

from .watch_health import HEARD_WITHIN

LASTING: Final = timedelta(minutes=10)


def live(*, at: datetime) -> QuerySet[Watch]:
    """Return the watches through which a provider is to tell of news now."""
    return Watch.objects.filter(
        status=WatchStatus.LIVE, expires_at__gt=at, integration__status__in=FETCHABLE
    )


def silent(*, at: datetime, lasting: timedelta = timedelta(0)) -> QuerySet[Watch]:
    """Return those through which it has told nothing for `lasting`, though it should have."""
    unheard = Q(last_event_at=None) | Q(last_event_at__lt=F("started_at"))
    begun = at - max(HEARD_WITHIN, lasting)
    return live(at=at).filter(
        Q(silent_since__lte=at - lasting) | (Q(started_at__lt=begun) & unheard)
    )


def tell_operator(*, at: datetime) -> list[str]:
    """Alarm for each provider that tells nothing of all that is watched there; return which."""
    found = [key for key in PROVIDERS if _tells_nothing(key, at)]
    for key in found:
        provider_alerts.sound(provider_alerts.PUSH_SILENT, provider=key, at=at)
    return found


def _tells_nothing(provider: str, at: datetime) -> bool:
    theirs = live(at=at).filter(connection__provider=provider, started_at__lt=at - LASTING)
    quiet = silent(at=at, lasting=LASTING).filter(connection__provider=provider)
    return theirs.exists() and not theirs.exclude(id__in=quiet.values("id")).exists()
