"""Alarms: a row that stays until an operator settles it, and one line in the log."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.ids import uuid7
from accounts.models import Alarm
from accounts.models.alarm import MAX_REASON

logger = logging.getLogger(__name__)


class AlarmNotSettled(Exception):
    """The alarm is unknown, or the reason is empty or too long; see the message."""


class AlarmSettledBefore(AlarmNotSettled):
    """The alarm was settled before, with another reason."""


def raise_alarm(  # noqa: PLR0913 - the parts of an alarm, each by name
    *,
    kind: str,
    about: UUID,
    window: str,
    body: Mapping[str, int | str],
    at: datetime,
    unless_settled: bool = False,
) -> int:
    """
    Raise an alarm, or count it if one of its `kind`, `about` and `window` is open.

    Return how often it was raised: 1 if it is new, 0 if `unless_settled` and one was settled.

    :param body: counts, enum values and our ids; never content, an address or a secret
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT raise_alarm(%s, %s, %s, %s, %s, %s, %s)",
            [uuid7(), kind, about, window, json.dumps(dict(body)), at, unless_settled],
        )
        count = int(cursor.fetchone()[0])
    if count == 1:
        logger.warning("alarm.raised", extra={"kind": kind, "about": str(about), **body})
    return count


def was_raised(*, kind: str, about: UUID, window: str, since: datetime | None = None) -> bool:
    """Return whether such an alarm was raised, at or after `since`; settled or not."""
    rows = Alarm.objects.filter(kind=kind, about=about, window=window)
    return (rows if since is None else rows.filter(last_at__gte=since)).exists()


def settle_alarm(
    alarm_id: UUID, *, reason: str, at: datetime, operator_id: UUID | None = None
) -> Alarm:
    """
    Settle an open alarm. Of several callers at the same time, exactly one succeeds.

    :raises AlarmNotSettled, AlarmSettledBefore:
    """
    reason_text = " ".join(reason.split())
    if not reason_text:
        raise AlarmNotSettled('enter a reason: --reason "…"')
    if len(reason_text) > MAX_REASON:
        raise AlarmNotSettled(f"the reason is longer than {MAX_REASON} characters")
    updated = (
        Alarm.objects.open()
        .filter(id=alarm_id)
        .update(settled_at=at, settled_reason=reason_text, settled_by=operator_id)
    )
    alarm = Alarm.objects.filter(id=alarm_id).first()
    if alarm is None:
        raise AlarmNotSettled(f"there is no alarm {alarm_id}")
    if not updated:
        raise AlarmSettledBefore(f"alarm {alarm_id} was settled before: {alarm.settled_reason}")
    logger.info("alarm.settled", extra={"kind": alarm.kind, "about": str(alarm.about)})
    return alarm
