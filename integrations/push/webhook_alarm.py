"""
The alarm about an address for notifications that a provider does not accept.

One rejection is no alarm: the address may have been unreachable for seconds. Several in a row of
one watch are. The alarm is settled when a watch of that provider has started since.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.models import Alarm
from integrations.grants import provider_alerts
from integrations.models import Watch, WatchKind, WatchStatus
from limited_use.usage import settled_alarms

#: So many rejections in a row of one watch are an alarm: one to three minutes of them.
SEVERAL: Final = 5
#: After so many more it is an alarm again, if it was settled: about a day of them.
REPEATED: Final = 144
REASON: Final = "the provider accepted the address again"


def report_rejections(rejected_count: int, *, provider: str, at: datetime) -> None:
    """
    Raise the alarm, if that many rejections in a row are several and it is not open yet.

    If one watch alone is rejected, others settle the alarm: it is not raised again each time.
    """
    further = rejected_count - SEVERAL
    if further >= 0 and further % REPEATED == 0:
        provider_alerts.raise_alert(
            provider_alerts.WEBHOOK_REJECTED, provider=provider, at=at, once=True
        )


def settle_alarms(*, at: datetime) -> int:
    """Settle the alarm of each provider that has accepted the address since; return how many."""
    settled = 0
    for alarm in Alarm.objects.open().filter(kind=provider_alerts.WEBHOOK_REJECTED):
        started = Watch.objects.filter(
            kind=WatchKind.CHANNEL,
            status=WatchStatus.LIVE,
            connection__provider=alarm.window,
            started_at__gt=alarm.raised_at,
        )
        if started.exists():
            settled_alarms.settle_alarm(alarm.id, reason=REASON, at=at)
            settled += 1
    return settled
