"""
The alarm about a webhook address that a provider does not accept.

The address may be unreachable for seconds, so only several rejections in a row of one watch raise
it. A later start of a watch of that provider settles it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from accounts.models import Alarm
from integrations.grants import provider_alerts
from integrations.models import Watch, WatchKind, WatchStatus
from limited_use.usage import settled_alarms

#: Rejections in a row of one watch that raise the alarm, after one to three minutes.
SEVERAL: Final = 5
#: Further rejections that raise a settled alarm again, after about a day.
REPEATED: Final = 144
REASON: Final = "the provider accepted the address again"


def report_rejections(rejected_count: int, *, provider: str, at: datetime) -> None:
    """
    If only one watch is rejected, other watches settle the alarm: it is not raised again each
    time.
    """
    further = rejected_count - SEVERAL
    if further >= 0 and further % REPEATED == 0:
        provider_alerts.raise_alert(
            provider_alerts.WEBHOOK_REJECTED, provider=provider, at=at, once=True
        )


def settle_alarms(*, at: datetime) -> int:
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
