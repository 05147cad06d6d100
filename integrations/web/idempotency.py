"""
`Idempotency-Key`: requests that take effect once, however often the client sends them.

As in draft-ietf-httpapi-idempotency-key-header. A record has keyed hashes of the request, and the
created id. A replay reads the object under new permits, so that no copy of a response outlives
its source.

The record is a lease, and does not lock the provider: if a process dies during a write, the same
request takes over the expired lease. So a write at a provider must derive its event's id from the
key to happen once. A write to this database completes the record in its own transaction
(`IdempotentAttempt.complete_atomically`).

Only success is stored. A permanent error, such as an invalid body, depends on the body alone, so
the same request gets it again. A temporary error must not be replayed: the client may retry.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from integrations.access import fences
from integrations.access.request_context import ObjectNotFound, RequestContext
from integrations.models import Integration, Reply
from limited_use.vault import blind_index

HEADER: Final = OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)
RETENTION: Final = timedelta(hours=24)
#: Longer than a request with all its provider calls. If a request takes longer and is sent again,
#: both find the event with the id from the key.
LEASE_TIME: Final = timedelta(minutes=2)
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}", re.ASCII)


class RequestInProgress(Exception):
    """Another request holds the lease. Send again after `retry_after` seconds."""

    def __init__(self, *, retry_after: float) -> None:
        super().__init__("in progress")
        self.retry_after = retry_after


class IdempotencyKeyReused(Exception):
    """Another request used the key."""


class IdempotentResultGone(Exception):
    """The created object no longer exists under its id."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """
    :param route: the operation
    :param body: the request's content, in one canonical form
    """

    route: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestHashes:
    """Keyed hashes: `key` covers sender, route and key, `body` the content."""

    key: bytes
    body: bytes


class IdempotentAttempt:
    def __init__(self, http: Request, route: str) -> None:
        self._http, self._route = http, route
        self.lease: Reply | None = None

    def read_keyed_request(self) -> KeyedRequest:
        """:raises ValidationError: if the request has no valid `Idempotency-Key`"""
        key = self._http.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            reason = "Send a key of 8 to 200 characters."
            raise ValidationError({"Idempotency-Key": [reason]})
        body = orjson.dumps(self._http.data, option=orjson.OPT_SORT_KEYS)
        return KeyedRequest(self._route, key, body)

    def claim(self, context: RequestContext, integration: Integration) -> Reply | None:
        """
        Return the record of an earlier request, or None if this request has the lease.

        :raises: as the function `claim`
        """
        record = claim(context, self.read_keyed_request(), integration)
        if record.status is not None:
            return record
        self.lease = record
        return None

    def complete(self, *, status: int, result_id: UUID | None) -> None:
        """Store the result, before the response is made. A purged record is not restored."""
        if self.lease is not None:
            Reply.objects.filter(id=self.lease.id).update(
                held_until=None, status=status, result_id=result_id
            )

    def complete_atomically(self, *, status: int, result_id: UUID) -> None:
        """
        Store the result in the transaction that creates the object.

        :raises RequestInProgress: if another request took over the lease, and creates the object
        """
        if self.lease is None:
            raise RuntimeError("the request has not claimed its key")
        held = Reply.objects.filter(id=self.lease.id, held_until=self.lease.held_until, status=None)
        if not held.update(held_until=None, status=status, result_id=result_id):
            raise RequestInProgress(retry_after=1)


def idempotent(
    route: str, *, undone: tuple[type[Exception], ...] = ()
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """
    Decorate a view method, which receives an `IdempotentAttempt`; if it raises, its lease is
    released.

    :param undone: exceptions that guarantee that nothing was written
    """

    def decorate(method: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(method)
        def handle_request(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
            attempt = IdempotentAttempt(request, route)
            try:
                return method(view, request, *args, attempt=attempt, **kwargs)
            except undone:
                release(attempt.lease, is_undone=True)
                raise
            except Exception:
                release(attempt.lease, is_undone=False)
                raise

        return handle_request

    return decorate


def replay(make: Callable[[], HttpResponse]) -> HttpResponse:
    """
    Mark the response to a repeated request as a replay.

    :raises IdempotentResultGone:
    """
    try:
        answer = make()
    except ObjectNotFound:
        raise IdempotentResultGone from None
    answer["Idempotent-Replayed"] = "true"
    return answer


def claim(context: RequestContext, request: KeyedRequest, integration: Integration) -> Reply:
    """
    Return the record of a request: with `status`, it is done; without, the caller has the lease.

    Of several equal concurrent requests, one gets the lease.

    :param integration: the record is deleted with it
    :raises RequestInProgress, IdempotencyKeyReused, fences.DisconnectedError:
    """
    if context.actor.organisation_id is None:
        raise ObjectNotFound
    hashes = hash_request(context, request)
    with transaction.atomic(durable=True):
        fences.lock_integration(integration_id=integration.id, epoch=integration.epoch)
        _delete_expired(hashes, context.at)
        new_record = Reply(
            integration=integration,
            user_id=context.user_id,
            organisation_id=context.actor.organisation_id,
            key_blind=hashes.key,
            body_blind=hashes.body,
            began_at=context.at,
            held_until=context.at + LEASE_TIME,
        )
        Reply.objects.bulk_create([new_record], ignore_conflicts=True)
        record = Reply.objects.select_for_update(no_key=True).filter(key_blind=hashes.key).first()
        if record is None:
            # Released between these two statements.
            raise RequestInProgress(retry_after=1)
        if bytes(record.body_blind) != hashes.body:
            raise IdempotencyKeyReused
        if record.id == new_record.id or record.status is not None:
            return record
        if record.held_until is not None and context.at < record.held_until:
            raise RequestInProgress(retry_after=(record.held_until - context.at).total_seconds())
        record.held_until = new_record.held_until
        record.save(update_fields=["held_until"])
        return record


def release(lease: Reply | None, *, is_undone: bool) -> None:
    """
    Release a lease, unless it was taken over or the request is done.

    :param is_undone: nothing was written: the key may be used for another request. Otherwise only
        the same request may be sent again
    """
    if lease is None:
        return
    records = Reply.objects.filter(id=lease.id, held_until=lease.held_until, status=None)
    if is_undone:
        records.delete()
    else:
        records.update(held_until=None)


def find_result(hashes: RequestHashes, *, at: datetime) -> UUID | None:
    """
    Return the id that the same request created.

    Call it in the transaction of `store_result`, which must exclude all others.

    :raises IdempotencyKeyReused:
    """
    _delete_expired(hashes, at)
    record = Reply.objects.filter(key_blind=hashes.key).first()
    if record is None:
        return None
    if bytes(record.body_blind) != hashes.body:
        raise IdempotencyKeyReused
    return record.result_id


def store_result(
    hashes: RequestHashes, integration: Integration, *, created: UUID, at: datetime
) -> None:
    """Call it in the transaction that creates the object."""
    Reply.objects.create(
        integration=integration,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        key_blind=hashes.key,
        body_blind=hashes.body,
        began_at=at,
        status=HTTPStatus.CREATED,
        result_id=created,
    )


def delete_expired(*, at: datetime) -> int:
    """Delete records older than a day; return how many."""
    count, _ = Reply.objects.filter(began_at__lte=at - RETENTION).delete()
    return count


def hash_request(context: RequestContext, request: KeyedRequest) -> RequestHashes:
    # One call to the key store for both hashes.
    secret = blind_index.derive_secret(
        "reply", f"{context.audience_key}\0{request.route}\0{request.key}"
    )
    body_hash = hmac.digest(secret, b"body" + request.body, "sha256")
    return RequestHashes(hmac.digest(secret, b"key", "sha256"), body_hash)


def _delete_expired(hashes: RequestHashes, at: datetime) -> None:
    Reply.objects.filter(key_blind=hashes.key, began_at__lte=at - RETENTION).delete()
