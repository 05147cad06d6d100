"""Alarms that an operator settles. Row and ledger entry are one commit."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import alarms
from accounts.models import Alarm
from limited_use.ledger import entries
from limited_use.ledger.entries import EntryValue


def settle_alarm(
    alarm_id: UUID, *, reason: str, at: datetime, operator_id: UUID | None = None
) -> Alarm:
    """
    Settle an alarm and record it in the ledger.

    The entry has the kind of the alarm and the operator's pseudonym. The reason is free text, so
    it stays in the alarm's row.

    :param operator_id: None if a command settles the alarm, or the service
    :raises alarms.AlarmNotSettled, alarms.AlarmSettledBefore:
    """
    with transaction.atomic():
        alarm = alarms.settle_alarm(alarm_id, reason=reason, at=at, operator_id=operator_id)
        body: dict[str, EntryValue] = {"kind": alarm.kind}
        if operator_id is not None:
            body["operator"] = entries.get_ledger_pseudonym(operator_id)
        entries.record_ledger_event(event="alarm.settled", about=alarm.id, body=body, at=at)
    return alarm
