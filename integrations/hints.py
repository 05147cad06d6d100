"""
What a provider told us, made work: due now, once, whoever says it how often.

A notification says *that* something changed. What changed is asked of the provider by the sync,
from where it was, so a hint that is forged, late or doubled costs one question at most.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from django.db import OperationalError

from accounts import row_owner
from integrations import contention, permits, watches
from integrations.providers.pushes import Call, Notice
from integrations.tasks import connections as tasks
from integrations.watches import lookups, schedule

logger = logging.getLogger(__name__)


class NotProven(Exception):
    """No channel of ours calls like that. Refuse it."""


def of_mailbox(notice: Notice, *, provider: str, at: datetime) -> int:
    """
    Let every copy of that mailbox be brought up to date; return how many that is.

    None for one that is not connected, or not any more: whoever tells is not told which.
    """
    permit = permits.to_match(notice, at=at)
    find = partial(watches.heard_of_mailbox, notice.address, provider, permit=permit, at=at)
    return _receive(find, at=at)


def of_channel(channel_id: str, token: str, *, resource_id: str, at: datetime) -> int:
    """
    Let what a channel is about be brought up to date; return how many things that is.

    :raises NotProven: if it is none of ours
    """
    if not lookups.is_proven(channel_id, token):
        raise NotProven
    return _receive(partial(watches.heard_of_channel, channel_id, resource_id, at=at), at=at)


def of_subscription(call: Call, *, at: datetime) -> int:
    """
    Let what a subscription is about be brought up to date, and itself be renewed if it asks.

    :raises NotProven: if it is none of ours
    """
    if not lookups.is_proven(call.channel_id, call.token):
        raise NotProven
    hear = watches.heard_of_itself if call.is_about_itself else watches.heard_of_channel
    return _receive(partial(hear, call.channel_id, call.resource_id, at=at), at=at)


def _receive(find: Callable[[], list[watches.Heard]], *, at: datetime) -> int:
    """
    Mark the work due that a notification is about; return how many things that is.

    A notification is not refused because of contention: the provider would call less. If
    contention does not end, the regular poll is what finds the change; the log says so.
    """
    try:
        heard = contention.retry(find)
    except OperationalError as error:
        _defer(error)
        return 0
    for one in heard:
        try:
            work_id = contention.retry(partial(_mark_due, one, at=at))
        except OperationalError as error:
            _defer(error, one.integration_id)
        else:
            if work_id is not None:
                tasks.queue_sync(work_id)
    logger.info("webhook.heard", extra={"count": len(heard)})
    return len(heard)


def _mark_due(heard: watches.Heard, *, at: datetime) -> UUID | None:
    # Found by what a provider told: from here on it is this person's.
    with row_owner.acting_for(*heard.owner):
        return schedule.schedule_now(
            integration_id=heard.integration_id, resource=heard.resource, at=at
        )


def _defer(error: OperationalError, integration_id: UUID | None = None) -> None:
    """Leave it to the poll after contention; a database that is away is the provider's to retry."""
    if not contention.is_contention(error):
        raise error
    logger.error("webhook.deferred", extra={"integration_id": integration_id})
