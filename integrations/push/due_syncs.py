"""Make a resource's sync due now, enqueued once for any number of notifications."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database

from integrations.models import FETCHABLE

# Clocks of two machines differ: a worker that claims the work at once must find it due.
SKEW = timedelta(seconds=5)
# Work that was made due by another notification this recently is not enqueued again.
SAME_WITHIN = timedelta(seconds=1)
# One statement, so that only one of ten concurrent notifications enqueues the work. While a worker
# holds the work, the time is just after the claim, by the worker's clock: see `release`.
_SCHEDULE_STATEMENT = """
UPDATE integrations_syncwork AS work
   SET next_sync_at = CASE WHEN work.lease_until > %(at)s
                           THEN work.heartbeat_at + interval '1 millisecond' ELSE %(due)s END
  FROM integrations_integration AS integration
 WHERE work.integration_id = %(integration)s AND work.resource = %(resource)s
   AND integration.id = work.integration_id AND integration.status = ANY(%(statuses)s)
   AND work.failure_count = 0
   AND (work.next_sync_at NOT BETWEEN %(same_from)s AND %(same_to)s OR work.lease_until > %(at)s)
RETURNING work.id, coalesce(work.lease_until > %(at)s, FALSE)
"""


def schedule_now(*, integration_id: UUID, resource: str, at: datetime) -> UUID | None:
    """
    Return the work's id if the caller has to enqueue it: not if the work was enqueued a moment
    ago, a worker holds it and will continue, or it backs off. Notifications must not hammer a
    provider that does not answer.
    """
    due = at - SKEW
    with database.cursor() as cursor:
        cursor.execute(
            _SCHEDULE_STATEMENT,
            {
                "integration": integration_id,
                "resource": resource,
                "at": at,
                "due": due,
                "same_from": due - SAME_WITHIN,
                "same_to": due + SAME_WITHIN,
                "statuses": list(FETCHABLE),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    work_id, is_held = row
    return None if is_held else work_id
