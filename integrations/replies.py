"""
Requests that may be sent again under one key: done once, and told again what came of it.

`Idempotency-Key` as in draft-ietf-httpapi-idempotency-key-header. What is kept is that somebody
asked for something, by keyed hashes, and the id of what it wrote: what is told again is read
again, under permits of then, so that it ends where its source does. After a day it is forgotten.

The row is a lease, and no lock on the provider. A process that dies in the middle of a write
leaves its lease behind: until that ends, the same request is told how long to wait, and the first
one after that takes it over. What is written has to be named by the key, so that it is written
once.
"""

from __future__ import annotations

import hmac
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.db import transaction

from integrations import fences
from integrations.asking import Asked, NotFound
from integrations.models import Integration, Reply
from limited_use.vault import directory

KEPT_FOR: Final = timedelta(hours=24)
#: Longer than a request takes with all that it asks of a provider. If one takes longer all the
#: same, and is sent again meanwhile, both find what is named by the key.
HELD_FOR: Final = timedelta(minutes=2)


class InProgress(Exception):
    """The same request holds the lease. Send it again after `retry_after` seconds."""

    def __init__(self, *, retry_after: float) -> None:
        super().__init__("in progress")
        self.retry_after = retry_after


class OtherBody(Exception):
    """The key came with something else before. Take a new one for each request."""


@dataclass(frozen=True, slots=True)
class Sent:
    """
    One request.

    :param route: which operation it is for
    :param key: what a repetition of the same has as well
    :param body: all that it asks for, the same bytes for the same
    """

    route: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Named:
    """One request by keyed hashes: of who sends it where under which key, and of what it asks."""

    key: bytes
    body: bytes


def claim(asked: Asked, sent: Sent, integration: Integration) -> Reply:
    """
    Return the row of a request: with a `status` it was answered, without one it is the caller's.

    Of several that send the same at once, one gets it. A lease that has ended is taken over, by
    one of those that ask for it.

    :param integration: what it writes to, and ends with
    :raises InProgress: if another request holds the lease, with the seconds that are left of it
    :raises OtherBody: if the key is that of another request
    :raises fences.NoLongerLive: if it was disconnected meanwhile
    """
    if asked.actor.organisation_id is None:
        raise NotFound
    name = named(asked, sent)
    with transaction.atomic(durable=True):
        fences.hold(integration_id=integration.id, epoch=integration.epoch)
        _forget(name, asked.at)
        wanted = Reply(
            integration=integration,
            user_id=asked.user_id,
            organisation_id=asked.actor.organisation_id,
            key_blind=name.key,
            body_blind=name.body,
            began_at=asked.at,
            held_until=asked.at + HELD_FOR,
        )
        Reply.objects.bulk_create([wanted], ignore_conflicts=True)
        held = Reply.objects.select_for_update(no_key=True).filter(key_blind=name.key).first()
        if held is None:
            # It was released between these two statements.
            raise InProgress(retry_after=1)
        if bytes(held.body_blind) != name.body:
            raise OtherBody
        if held.id == wanted.id or held.status is not None:
            return held
        if held.held_until is not None and asked.at < held.held_until:
            raise InProgress(retry_after=(held.held_until - asked.at).total_seconds())
        held.held_until = wanted.held_until
        held.save(update_fields=["held_until"])
        return held


@contextmanager
def letting_go(claimed: Reply, *, undone: tuple[type[Exception], ...]) -> Generator[None]:
    """
    Let go of a claim if what it is for fails.

    :param undone: errors that say that nothing was written: the key is as if it had never come.
        After any other the same may be tried again at once, and nothing else under its key
    """
    mine = Reply.objects.filter(id=claimed.id, held_until=claimed.held_until, status=None)
    try:
        yield
    except undone:
        mine.delete()
        raise
    except Exception:
        mine.update(held_until=None)
        raise


def answered(claimed: Reply, *, status: int, event_id: UUID | None) -> None:
    """Keep what came of it. A row that a purge took meanwhile does not come back."""
    Reply.objects.filter(id=claimed.id).update(held_until=None, status=status, event_id=event_id)


def before(name: Named, *, at: datetime) -> UUID | None:
    """
    Return what the same request made before, of those that are made in one transaction.

    In that transaction, which has to let nobody else in meanwhile; see `keep`.

    :raises OtherBody: if the key is that of another request
    """
    _forget(name, at)
    held = Reply.objects.filter(key_blind=name.key).first()
    if held is None:
        return None
    if bytes(held.body_blind) != name.body:
        raise OtherBody
    return held.event_id


def keep(name: Named, integration: Integration, *, made: UUID, at: datetime) -> None:
    """Keep what a request made, in the transaction that makes it."""
    Reply.objects.create(
        integration=integration,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        key_blind=name.key,
        body_blind=name.body,
        began_at=at,
        status=HTTPStatus.CREATED,
        event_id=made,
    )


def sweep(*, at: datetime) -> int:
    """Forget what came in a day ago; return how many."""
    count, _ = Reply.objects.filter(began_at__lte=at - KEPT_FOR).delete()
    return count


def named(asked: Asked, sent: Sent) -> Named:
    """Return how a request is known again."""
    # One question to the key store for both.
    secret = directory.derive("reply", f"{asked.audience}\0{sent.route}\0{sent.key}")
    of_body = hmac.digest(secret, b"body" + sent.body, "sha256")
    return Named(hmac.digest(secret, b"key", "sha256"), of_body)


def _forget(name: Named, at: datetime) -> None:
    Reply.objects.filter(key_blind=name.key, began_at__lte=at - KEPT_FOR).delete()
