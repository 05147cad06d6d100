"""Settle alarms with a ledger entry in the same commit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import alarms
from accounts.models import Alarm
from limited_use.ledger import entries


def settle_alarm(alarm_id: UUID, *, reason: str, at: datetime) -> Alarm:
    """
    Settle an open alarm, record it in the ledger, and return it.

    The entry holds the alarm's kind. The reason is free text, so it stays in the alarm's row.

    :raises alarms.AlarmNotSettled: if the alarm is unknown or settled, or `reason` is not a line
        of text
    """
    with transaction.atomic():
        alarm = alarms.settle_alarm(alarm_id, reason=reason, at=at)
        entries.record_event(
            event="alarm.settled", about=alarm.id, body={"kind": alarm.kind}, at=at
        )
    return alarm
