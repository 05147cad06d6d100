"""
What a notification does to watches: it is noted, and says what to ask about. Nothing else.

Duplicates, late ones and ones about what is gone change nothing but a time, or nothing at all.
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
from integrations import contention, crossings
from integrations.models import FETCHABLE, ConnectionStatus, Watch, WatchKind, WatchStatus
from limited_use.guard import Permit

from . import lookups

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Heard:
    """What there is news of, and whose it is: person and organisation."""

    integration_id: UUID
    resource: str
    owner: tuple[UUID, UUID]


def of_mailbox(address: str, provider: str, *, permit: Permit, at: datetime) -> list[Heard]:
    """
    Note that there is news of a mailbox, and return what that is here: of each who connected.

    :param permit: to ask whether it is here
    :raises limited_use.vault.records.Unopenable: if the permit is for something else, or over
    """
    blind = lookups.asked_for(provider, address, permit=permit, at=at)
    return [
        heard
        for owner in crossings.watchers(kind=WatchKind.TOPIC, lookup_blind=blind)
        for heard in _of_owner(WatchKind.TOPIC, blind, owner, None, at)
    ]


def of_channel(channel_id: str, resource_id: str, *, at: datetime) -> list[Heard]:
    """
    Note that a proven channel called, and return what it is about; nothing, if it is gone.

    :param resource_id: what the caller says it is about; another thing than it was opened for is
        nothing
    """
    blind = lookups.of_channel(channel_id)
    named = lookups.of_resource(channel_id, resource_id)
    return [
        heard
        for owner in crossings.watchers(kind=WatchKind.CHANNEL, lookup_blind=blind)
        for heard in _of_owner(WatchKind.CHANNEL, blind, owner, named, at)
    ]


def of_itself(channel_id: str, resource_id: str, *, at: datetime) -> list[Heard]:
    """
    Note that a proven subscription is about to end, or has, and return what it is about.

    To renew it now gives it a fresh token, or finds it gone; which of them it is, is not believed.
    """
    heard = of_channel(channel_id, resource_id, at=at)
    for one in heard:
        with row_owner.acting_for(*one.owner):
            rows = _listening(WatchKind.CHANNEL, lookups.of_channel(channel_id))
            _update_each(rows.filter(status=WatchStatus.LIVE, due_at__gt=at), due_at=at)
    return heard


def _of_owner(
    kind: WatchKind, blind: bytes, owner: tuple[UUID, UUID], named: bytes | None, at: datetime
) -> list[Heard]:
    """
    Note it for one of those who are told.

    :param named: what the caller says that its channel is about; None: it says nothing
    """
    with row_owner.acting_for(*owner):
        rows = _listening(kind, blind)
        known = rows.values_list("resource_blind", flat=True).first() if named else None
        # Its first call may precede the answer that says what the provider calls it.
        if named and known is not None and not hmac.compare_digest(bytes(known), named):
            return []
        return _note(rows, owner, at)


def _listening(kind: WatchKind, blind: bytes) -> QuerySet[Watch]:
    return Watch.objects.filter(
        kind=kind,
        lookup_blind=blind,
        integration__status__in=FETCHABLE,
        connection__status=ConnectionStatus.ACTIVE,
    )


def _note(rows: QuerySet[Watch], owner: tuple[UUID, UUID], at: datetime) -> list[Heard]:
    found = list(rows.values_list("id", "integration_id", "resource"))
    ids = [row[0] for row in found]
    _update_each(Watch.objects.filter(id__in=ids), last_event_at=at, silent_since=None)
    return [Heard(integration_id, resource, owner) for _, integration_id, resource in found]


def _update_each(rows: QuerySet[Watch], **values: Any) -> None:
    """
    Update rows one by one: a statement that locks one row makes no circle with a worker.

    A row that stays contended is left as it is: a worker is at it, and what the notification is
    about matters more.
    """
    for watch_id in list(rows.values_list("id", flat=True)):
        try:
            contention.retry(partial(rows.filter(id=watch_id).update, **values))
        except OperationalError as error:
            if not contention.is_contention(error):
                raise
            logger.warning("watch.not_noted")
