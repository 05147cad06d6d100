"""
Dispatch a provider's notification in three steps: receive, mark due, enqueue.

The sync asks the provider for the change, from its own cursor. So a forged, late or repeated
notification costs one request at most.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import OperationalError

from accounts import row_owner
from integrations.coordination import database_contention
from integrations.coordination.task_queue import enqueue

from . import ChangedResource, due_syncs

logger = logging.getLogger(__name__)


def dispatch_notification(receive: Callable[[], list[ChangedResource]], *, at: datetime) -> None:
    """
    Contention refuses no notification: the provider would send fewer. If contention does not end,
    the regular poll finds the change, and the log records the delay.

    :param receive: calls a receiving function of `push`
    """
    try:
        changed_resources = database_contention.retry(receive)
    except OperationalError as error:
        _defer_to_poll(error)
        return
    for changed in changed_resources:
        try:
            work_id = database_contention.retry(partial(_mark_due, changed, at=at))
        except OperationalError as error:
            _defer_to_poll(error, changed.integration_id)
        else:
            if work_id is not None:
                enqueue("integrations.sync_mail", work_id=work_id)
    logger.info("webhook.heard", extra={"count": len(changed_resources)})


def _mark_due(changed: ChangedResource, *, at: datetime) -> UUID | None:
    # The webhook has no row owner.
    with row_owner.acting_for(*changed.owner):
        return due_syncs.schedule_now(
            integration_id=changed.integration_id, resource=changed.resource, at=at
        )


def _defer_to_poll(error: OperationalError, integration_id: UUID | None = None) -> None:
    if not database_contention.is_contention(error):
        raise error
    logger.error("webhook.deferred", extra={"integration_id": integration_id})
