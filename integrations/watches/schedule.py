"""Make the sync of a resource due now: once, however often the provider tells of news."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database

from integrations.models import FETCHABLE

# The clocks of two machines differ: what is due now has been so for a while, or the worker that is
# asked in this very moment would find that it is not.
SKEW = timedelta(seconds=5)
# Who was told so lately that there is news, by whichever clock, need not be told again.
TOLD_WITHIN = timedelta(seconds=1)
# In one statement, so that of ten notifications at once one asks. While somebody is at it, the time
# is one after their claim by their own clock: see `release`.
_SCHEDULE = """
UPDATE integrations_syncwork AS work
   SET next_sync_at = CASE WHEN work.lease_until > %(at)s
                           THEN work.heartbeat_at + interval '1 millisecond' ELSE %(due)s END
  FROM integrations_integration AS integration
 WHERE work.integration_id = %(integration)s AND work.resource = %(resource)s
   AND integration.id = work.integration_id AND integration.status = ANY(%(statuses)s)
   AND work.failure_count = 0
   AND (work.next_sync_at NOT BETWEEN %(told_from)s AND %(told_to)s OR work.lease_until > %(at)s)
RETURNING work.id, coalesce(work.lease_until > %(at)s, FALSE)
"""


def schedule_now(*, integration_id: UUID, resource: str, at: datetime) -> UUID | None:
    """
    Make the sync of a resource due now; return its work, if a worker has to be queued for it.

    None if a worker was queued a moment ago, or is at it and will go on; and for work that is
    backing off: a notification must not hammer a provider that does not answer.
    """
    due = at - SKEW
    with database.cursor() as cursor:
        cursor.execute(
            _SCHEDULE,
            {
                "integration": integration_id,
                "resource": resource,
                "at": at,
                "due": due,
                "told_from": due - TOLD_WITHIN,
                "told_to": due + TOLD_WITHIN,
                "statuses": list(FETCHABLE),
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    work_id, is_held = row
    return None if is_held else work_id
