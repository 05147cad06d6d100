"""Alarms that an operator settles. The row and the ledger entry are one commit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import alarms
from accounts.models import Alarm
from limited_use.ledger import entries


def settle_alarm(alarm_id: UUID, *, reason: str, at: datetime) -> Alarm:
    """
    Settle an open alarm and record it in the ledger; return the alarm.

    The entry has the kind of the alarm. The reason is free text, so it stays in the alarm's row.

    :raises alarms.NotSettled: if there is no such alarm, it is settled already, or `reason` is not
        a line of text
    """
    with transaction.atomic():
        alarm = alarms.settle_alarm(alarm_id, reason=reason, at=at)
        entries.record_event(
            event="alarm.settled", about=alarm.id, body={"kind": alarm.kind}, at=at
        )
    return alarm
