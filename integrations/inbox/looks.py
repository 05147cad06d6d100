"""Looks at mailboxes are written down, and a worker is asked where one was checked rarely."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from integrations.sync import looking
from integrations.tasks import connections as tasks


def note_look(integration_ids: Iterable[UUID], *, at: datetime) -> None:
    """Write down that somebody looks at these mailboxes, which they may."""
    for work_id in looking.record(integration_ids, at=at):
        # A hint, not a promise: the row is due, and the sweep finds it if the broker is down.
        tasks.queue_sync(work_id)
