"""
Store when a mailbox was last viewed, and poll a rarely polled mailbox soon after a view.

Neither viewer nor message is stored. Most views send no statement, and none waits for a worker: a
locked row is left to the next view.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection as database

from . import check_intervals

#: How often views of one mailbox are written.
EVERY: Final = timedelta(minutes=2)
_MOST_REMEMBERED: Final = 10_000

# Work that backs off or receives push notifications is not hurried. Other work is due one usual
# interval after its last poll, or now. A current turn has read the previous view: if that makes it
# rest long, another turn follows.
_WRITE = """
WITH looked AS (
    SELECT w.id, w.next_sync_at, w.looked_at <= %(idle_before)s AS is_idle,
           w.lease_until > %(at)s AS is_held,
           greatest(%(at)s, w.last_synced_at + %(usual)s) AS usual_at,
           w.last_synced_at IS NOT NULL AND w.failure_count = 0 AND w.pause_reason = ''
           AND NOT EXISTS (
               SELECT FROM integrations_watch AS v
                WHERE v.integration_id = w.integration_id AND v.resource = w.resource
                  AND v.status = 'live' AND v.expires_at > %(at)s AND v.silent_since IS NULL
                  AND v.last_event_at >= v.started_at) AS may_hurry
      FROM integrations_syncwork AS w
     WHERE w.integration_id = ANY(%(ids)s) AND w.resource = 'mail'
       AND (w.looked_at IS NULL OR w.looked_at <= %(written_before)s)
       FOR NO KEY UPDATE OF w SKIP LOCKED
), written AS (
    UPDATE integrations_syncwork AS work SET looked_at = %(at)s,
           next_sync_at = CASE
               WHEN NOT looked.may_hurry THEN work.next_sync_at
               WHEN looked.is_held AND looked.is_idle IS NOT FALSE THEN %(at)s
               WHEN looked.is_held THEN work.next_sync_at
               ELSE least(work.next_sync_at, looked.usual_at) END
      FROM looked WHERE work.id = looked.id
    RETURNING work.id, work.integration_id, work.looked_at,
              looked.may_hurry AND looked.is_held IS NOT TRUE
              AND looked.next_sync_at > %(at)s AND looked.usual_at <= %(at)s AS is_hurried
)
SELECT id, integration_id, looked_at, is_hurried FROM written
 UNION ALL
SELECT id, integration_id, looked_at, FALSE FROM integrations_syncwork
 WHERE integration_id = ANY(%(ids)s) AND resource = 'mail' AND looked_at > %(written_before)s
"""

# Last written view per mailbox, by any process: most views need no statement.
_last_written: OrderedDict[UUID, datetime] = OrderedDict()
_lock = Lock()


def record_looks(integration_ids: Iterable[UUID], *, at: datetime) -> list[UUID]:
    """Return the ids of sync work that the view made due, to enqueue."""
    ids = [
        integration_id for integration_id in integration_ids if _is_unwritten(integration_id, at)
    ]
    if not ids:
        return []
    values: dict[str, Any] = {
        "ids": ids,
        "at": at,
        "written_before": at - EVERY,
        "idle_before": at - check_intervals.USUAL_FOR,
        "usual": timedelta(seconds=settings.SYNC_INTERVAL_SECONDS),
    }
    with database.cursor() as cursor:
        cursor.execute(_WRITE, values)
        rows = cursor.fetchall()
    _remember_looks({integration_id: looked_at for _, integration_id, looked_at, _ in rows})
    return [work_id for work_id, _, _, is_hurried in rows if is_hurried]


def _is_unwritten(integration_id: UUID, at: datetime) -> bool:
    with _lock:
        last = _last_written.get(integration_id)
    return last is None or not last <= at < last + EVERY


def _remember_looks(looks: Mapping[UUID, datetime]) -> None:
    with _lock:
        for integration_id, looked_at in looks.items():
            _last_written[integration_id] = looked_at
            _last_written.move_to_end(integration_id)
        while len(_last_written) > _MOST_REMEMBERED:
            _last_written.popitem(last=False)
