"""
Receive notifications: find their watches, and store the time.

A repeated or late notification, or one of a deleted watch, changes a time or nothing.
"""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.db.models import QuerySet

from accounts import row_owner
from integrations.access import cross_user_lookups
from integrations.coordination import database_contention
from integrations.models import FETCHABLE, ConnectionStatus, Watch, WatchKind, WatchStatus
from integrations.providers.push import SubscriptionNotification
from limited_use.access_request import Permit

from . import blind_lookup

logger = logging.getLogger(__name__)


class CallerNotProven(Exception):
    """The caller has no token of our channels. Refuse the call."""


@dataclass(frozen=True, slots=True)
class ChangedResource:
    """:param owner: person and organisation"""

    integration_id: UUID
    resource: str
    owner: tuple[UUID, UUID]


def receive_mailbox_notification(
    address: str, provider: str, *, permit: Permit, at: datetime
) -> list[ChangedResource]:
    """
    Return one changed resource for each connection of the mailbox. The sender does not learn
    whether there is any.

    :param permit: to look up the address
    :raises limited_use.vault.envelope.Unopenable: if the permit is for another use, or has
        expired
    """
    lookup_blind = blind_lookup.blind_notified_mailbox(provider, address, permit=permit, at=at)
    return _receive_for_owners(WatchKind.TOPIC, lookup_blind, None, at=at)


def receive_channel_notification(
    channel_id: str, token: str, *, resource_id: str, at: datetime
) -> list[ChangedResource]:
    """
    Return the channel's resource, or nothing if the channel is deleted or was opened for another
    resource.

    :param resource_id: by the caller
    :raises CallerNotProven:
    """
    if not blind_lookup.is_proven(channel_id, token):
        raise CallerNotProven
    lookup_blind = blind_lookup.blind_channel(channel_id)
    resource_blind = blind_lookup.blind_resource(channel_id, resource_id)
    return _receive_for_owners(WatchKind.CHANNEL, lookup_blind, resource_blind, at=at)


def receive_subscription_notification(
    call: SubscriptionNotification, *, at: datetime
) -> list[ChangedResource]:
    """
    The notification is about its resource or its own end. An end is not trusted: the renewal
    finds out.

    :raises CallerNotProven:
    """
    changed_resources = receive_channel_notification(
        call.channel_id, call.token, resource_id=call.resource_id, at=at
    )
    if call.is_lifecycle_event:
        for changed in changed_resources:
            with row_owner.acting_for(*changed.owner):
                watches = _find_watches(
                    WatchKind.CHANNEL, blind_lookup.blind_channel(call.channel_id)
                )
                _update_each(watches.filter(status=WatchStatus.LIVE, due_at__gt=at), due_at=at)
    return changed_resources


def _receive_for_owners(
    kind: WatchKind, lookup_blind: bytes, resource_blind: bytes | None, *, at: datetime
) -> list[ChangedResource]:
    return [
        changed
        for owner in cross_user_lookups.find_watch_owners(kind=kind, lookup_blind=lookup_blind)
        for changed in _receive_for(owner, kind, lookup_blind, resource_blind, at=at)
    ]


def _receive_for(
    owner: tuple[UUID, UUID],
    kind: WatchKind,
    lookup_blind: bytes,
    resource_blind: bytes | None,
    *,
    at: datetime,
) -> list[ChangedResource]:
    """:param resource_blind: hash of the notified resource; None: the notification names none"""
    with row_owner.acting_for(*owner):
        watches = _find_watches(kind, lookup_blind)
        if resource_blind is not None and not _may_be_about(watches, resource_blind):
            return []
        rows = list(watches.values_list("id", "integration_id", "resource"))
        received = Watch.objects.filter(id__in=[row[0] for row in rows])
        _update_each(received, last_event_at=at, silent_since=None)
    return [ChangedResource(row[1], row[2], owner) for row in rows]


def _find_watches(kind: WatchKind, lookup_blind: bytes) -> QuerySet[Watch]:
    return Watch.objects.filter(
        kind=kind,
        lookup_blind=lookup_blind,
        integration__status__in=FETCHABLE,
        connection__status=ConnectionStatus.ACTIVE,
    )


def _may_be_about(watches: QuerySet[Watch], resource_blind: bytes) -> bool:
    known = watches.values_list("resource_blind", flat=True).first()
    # The first notification may precede the response that names the resource.
    return known is None or hmac.compare_digest(bytes(known), resource_blind)


def _update_each(watches: QuerySet[Watch], **values: Any) -> None:
    """
    Update rows one by one: a statement that locks one row cannot deadlock with a worker.

    A contended row is left to its worker: the sync is more important.
    """
    for watch_id in list(watches.values_list("id", flat=True)):
        try:
            database_contention.retry(partial(watches.filter(id=watch_id).update, **values))
        except OperationalError as error:
            if not database_contention.is_contention(error):
                raise
            logger.warning("watch.not_noted")
