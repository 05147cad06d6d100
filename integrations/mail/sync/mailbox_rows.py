"""Read a mailbox's rows for a turn, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db import connection as database

from integrations.push.watch_health import WatchHealth

RESOURCE: Final = "mail"

_READ = """
SELECT a.unreadable_count, a.asked_for, a.next_try_at, r.missing_count, w.wanted_count,
       v.started_at, v.expires_at, v.last_event_at, v.silent_since
  FROM (SELECT count(*) FILTER (WHERE reason <> 'delayed') AS unreadable_count,
               count(*) FILTER (WHERE try_count = 0) AS asked_for,
               min(next_try_at) AS next_try_at
          FROM integrations_setaside WHERE integration_id = %(id)s) AS a
 CROSS JOIN (SELECT count(*) AS wanted_count FROM integrations_watch
              WHERE integration_id = %(id)s AND resource = %(resource)s
                AND status IN ('wanted', 'live')) AS w
  LEFT JOIN LATERAL (
       SELECT missing_count + extra_count - repaired_count AS missing_count
         FROM integrations_reconciliation WHERE integration_id = %(id)s
        ORDER BY compared_at DESC LIMIT 1) AS r ON TRUE
  LEFT JOIN LATERAL (
       SELECT started_at, expires_at, last_event_at, silent_since FROM integrations_watch
        WHERE integration_id = %(id)s AND resource = %(resource)s AND status = 'live'
          AND started_at IS NOT NULL AND expires_at IS NOT NULL
        ORDER BY started_at DESC LIMIT 1) AS v ON TRUE
"""


@dataclass(frozen=True, slots=True)
class MailboxState:
    """
    :param unreadable_count: quarantined messages, without delayed ones
    :param retry_requested_count: of quarantined messages
    :param next_try_at: of a delayed message
    :param missing_count: differences that the last reconciliation could not repair
    :param has_watch: live or requested
    :param watch: health of the live watch
    """

    unreadable_count: int
    retry_requested_count: int
    next_try_at: datetime | None
    missing_count: int
    has_watch: bool
    watch: WatchHealth | None

    def is_any_due(self, at: datetime) -> bool:
        is_due = self.next_try_at is not None and self.next_try_at <= at
        return bool(self.retry_requested_count) or is_due


def read_state(integration_id: UUID) -> MailboxState:
    with database.cursor() as cursor:
        cursor.execute(_READ, {"id": integration_id, "resource": RESOURCE})
        unreadable, retry_requested, next_try_at, missing_count, watch_count, *watch = (
            cursor.fetchone()
        )
    return MailboxState(
        unreadable_count=unreadable,
        retry_requested_count=retry_requested,
        next_try_at=next_try_at,
        missing_count=max(0, missing_count or 0),
        has_watch=bool(watch_count),
        watch=WatchHealth(*watch) if watch[0] is not None else None,
    )
