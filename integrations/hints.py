"""
What a provider told us, made work: due now, once, whoever says it how often.

A notification says *that* something changed. What changed is asked of the provider by the sync,
from where it was, so a hint that is forged, late or doubled costs one question at most.
"""

from __future__ import annotations

import logging
from datetime import datetime

from accounts import owned
from integrations import permits, watches
from integrations.providers.pushes import Call, Notice
from integrations.sync import news
from integrations.tasks import connections as tasks
from integrations.watches import lookups

logger = logging.getLogger(__name__)


class NotProven(Exception):
    """No channel of ours calls like that. Refuse it."""


def of_mailbox(notice: Notice, *, provider: str, at: datetime) -> int:
    """
    Let every copy of that mailbox be brought up to date; return how many that is.

    None for one that is not connected, or not any more: whoever tells is not told which.
    """
    permit = permits.to_match(notice, at=at)
    heard = watches.heard_of_mailbox(notice.address, provider, permit=permit, at=at)
    return _hurry(heard, at=at)


def of_channel(channel_id: str, token: str, *, resource_id: str, at: datetime) -> int:
    """
    Let what a channel is about be brought up to date; return how many things that is.

    :raises NotProven: if it is none of ours
    """
    if not lookups.is_proven(channel_id, token):
        raise NotProven
    return _hurry(watches.heard_of_channel(channel_id, resource_id, at=at), at=at)


def of_subscription(call: Call, *, at: datetime) -> int:
    """
    Let what a subscription is about be brought up to date, and itself be renewed if it asks.

    :raises NotProven: if it is none of ours
    """
    if not lookups.is_proven(call.channel_id, call.token):
        raise NotProven
    hear = watches.heard_of_itself if call.is_about_itself else watches.heard_of_channel
    return _hurry(hear(call.channel_id, call.resource_id, at=at), at=at)


def _hurry(heard: list[watches.Heard], *, at: datetime) -> int:
    for one in heard:
        # Found by what a provider told: from here on it is this person's.
        with owned.acting_for(*one.owner):
            work_id = news.hurry(integration_id=one.integration_id, resource=one.resource, at=at)
        if work_id is not None:
            tasks.queue_sync(work_id)
    logger.info("webhook.heard", extra={"count": len(heard)})
    return len(heard)
