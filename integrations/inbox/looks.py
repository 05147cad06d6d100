"""Store looks at mailboxes, and ask workers to check those that were checked rarely."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from integrations.sync import looking
from integrations.task_queue import enqueue


def note_look(integration_ids: Iterable[UUID], *, at: datetime) -> None:
    """Store that somebody looks at these mailboxes, which the caller has permission to show."""
    for work_id in looking.record(integration_ids, at=at):
        enqueue("integrations.sync_mail", work_id=work_id)
