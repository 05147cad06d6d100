"""Alarms that an operator settles. Row and ledger entry are one commit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import alarms
from accounts.models import Alarm
from limited_use.ledger import entries


def settle_alarm(alarm_id: UUID, *, reason: str, at: datetime) -> Alarm:
    """
    Settle an alarm and record it in the ledger.

    The entry has the kind of the alarm. The reason is free text, so it stays in the alarm's row.

    :raises alarms.AlarmNotSettled:
    """
    with transaction.atomic():
        alarm = alarms.settle_alarm(alarm_id, reason=reason, at=at)
        entries.record_ledger_event(
            event="alarm.settled", about=alarm.id, body={"kind": alarm.kind}, at=at
        )
    return alarm
