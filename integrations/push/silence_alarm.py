"""
The alarm about a provider that sends no notifications at all.

Causes: an expired Pub/Sub subscription (dropped after 31 idle days by default), a wrong address
or audience, a proxy. No code can see them, so the silence of all watches is the signal.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, Q, QuerySet

from integrations.grants import provider_alerts
from integrations.models import FETCHABLE, Watch, WatchStatus
from integrations.providers import PROVIDERS

from .watch_health import FIRST_NOTIFICATION_WITHIN

LASTING: Final = timedelta(minutes=10)


def get_live_watches(*, at: datetime) -> QuerySet[Watch]:
    return Watch.objects.filter(
        status=WatchStatus.LIVE, expires_at__gt=at, integration__status__in=FETCHABLE
    )


def get_silent_watches(*, at: datetime, lasting: timedelta = timedelta(0)) -> QuerySet[Watch]:
    unheard = Q(last_event_at=None) | Q(last_event_at__lt=F("started_at"))
    begun = at - max(FIRST_NOTIFICATION_WITHIN, lasting)
    return get_live_watches(at=at).filter(
        Q(silent_since__lte=at - lasting) | (Q(started_at__lt=begun) & unheard)
    )


def alarm_silent_providers(*, at: datetime) -> list[str]:
    """Return the providers with silent watches only."""
    silent_providers = [key for key in PROVIDERS if _is_silent(key, at)]
    for key in silent_providers:
        provider_alerts.raise_alert(provider_alerts.PUSH_SILENT, provider=key, at=at)
    return silent_providers


def _is_silent(provider: str, at: datetime) -> bool:
    live_watches = get_live_watches(at=at).filter(
        connection__provider=provider, started_at__lt=at - LASTING
    )
    silent_watches = get_silent_watches(at=at, lasting=LASTING).filter(
        connection__provider=provider
    )
    return (
        live_watches.exists()
        and not live_watches.exclude(id__in=silent_watches.values("id")).exists()
    )
