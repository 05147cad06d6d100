"""Store owners' views of mailboxes, and enqueue the sync of idle mailboxes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from integrations.coordination.task_queue import enqueue
from integrations.sync import last_looks


def record_look(integration_ids: Iterable[UUID], *, at: datetime) -> None:
    """The caller has permission to show these mailboxes."""
    for work_id in last_looks.record_looks(integration_ids, at=at):
        enqueue("integrations.sync_mail", work_id=work_id)
