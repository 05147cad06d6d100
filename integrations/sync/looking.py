"""
Store when a mailbox was last looked at, and check one that was checked rarely.

Only the time is stored: not who looked, nor at which message. Most looks send no statement. None
waits for a worker: a locked row is left out, and written at the next look.
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

from .intervals import USUAL_FOR

#: How far apart two stored looks at one mailbox are at least.
EVERY: Final = timedelta(minutes=2)
_KEPT: Final = 10_000

# When a mailbox is due after a look, by case:
# - its provider tells of news by itself: as before;
# - a worker has it, and read before that nobody had looked for long: right after that turn;
# - it backs off, or its first sync is not finished: as before;
# - else: one usual interval after the last check. If that is over: now.
_WRITE = """
WITH asked AS (
    SELECT id, integration_id, looked_at,
           looked_at IS NULL OR looked_at <= %(written_before)s AS is_unwritten
      FROM integrations_syncwork
     WHERE integration_id = ANY(%(ids)s) AND resource = 'mail'
), looked AS (
    SELECT w.id, w.next_sync_at > %(at)s AS is_resting, CASE
           WHEN EXISTS (
               SELECT FROM integrations_watch AS v
                WHERE v.integration_id = w.integration_id AND v.resource = w.resource
                  AND v.status = 'live' AND v.expires_at > %(at)s AND v.silent_since IS NULL
                  AND v.last_event_at >= v.started_at)
           THEN w.next_sync_at
           WHEN w.lease_until > %(at)s
                AND (w.looked_at IS NULL OR w.looked_at <= %(rare_before)s)
           THEN %(at)s
           WHEN w.failure_count > 0 OR w.pause_reason <> '' OR w.last_synced_at IS NULL
           THEN w.next_sync_at
           ELSE least(w.next_sync_at, greatest(%(at)s, w.last_synced_at + %(usual)s))
           END AS due_at
      FROM integrations_syncwork AS w
     WHERE w.id IN (SELECT id FROM asked WHERE is_unwritten)
       FOR NO KEY UPDATE OF w SKIP LOCKED
), written AS (
    UPDATE integrations_syncwork AS work SET looked_at = %(at)s, next_sync_at = looked.due_at
      FROM looked WHERE work.id = looked.id
    RETURNING work.id, looked.is_resting AND looked.due_at <= %(at)s AS is_hurried
)
SELECT asked.integration_id, CASE WHEN written.id IS NOT NULL THEN %(at)s
                                  WHEN NOT asked.is_unwritten THEN asked.looked_at END,
       CASE WHEN written.is_hurried THEN written.id END
  FROM asked LEFT JOIN written ON written.id = asked.id
"""

# The last look that is stored, as far as this process knows, by mailbox.
_written: OrderedDict[UUID, datetime] = OrderedDict()
_lock = Lock()


def record(integration_ids: Iterable[UUID], *, at: datetime) -> list[UUID]:
    """
    Store that somebody looks at these mailboxes, which the caller may show to them.

    Return the ids of the work that is due now because of the look, for workers to be asked.
    """
    ids = [one for one in integration_ids if _is_unwritten(one, at)]
    if not ids:
        return []
    values: dict[str, Any] = {
        "ids": ids,
        "at": at,
        "written_before": at - EVERY,
        "rare_before": at - USUAL_FOR,
        "usual": timedelta(seconds=settings.SYNC_INTERVAL_SECONDS),
    }
    with database.cursor() as cursor:
        cursor.execute(_WRITE, values)
        rows = cursor.fetchall()
    _remember({integration_id: looked_at for integration_id, looked_at, _ in rows if looked_at})
    return [work_id for _, _, work_id in rows if work_id is not None]


def _is_unwritten(integration_id: UUID, at: datetime) -> bool:
    with _lock:
        last = _written.get(integration_id)
    return last is None or not last <= at < last + EVERY


def _remember(looks: Mapping[UUID, datetime]) -> None:
    with _lock:
        for integration_id, looked_at in looks.items():
            _written[integration_id] = looked_at
            _written.move_to_end(integration_id)
        while len(_written) > _KEPT:
            _written.popitem(last=False)
