"""
Requests that are done once, however often the client sends them: `Idempotency-Key`.

As in draft-ietf-httpapi-idempotency-key-header. A record has keyed hashes of the request, and the
id of what it created: a replay reads that again, under permits of its own time, so that no copy
of an answer outlives its source. After a day the record is deleted.

The record is a lease, and does not lock the provider. If a process dies during a write, its lease
stays until it expires: until then the same request is told how long to wait, and the first one
after that takes the lease over. So a write must be named by the key, to happen once.
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
#: Longer than a request takes with all its calls to a provider. If a request takes longer, and is
#: sent again meanwhile, both find the event that the key names.
LEASE_TIME: Final = timedelta(minutes=2)
_KEY: Final = re.compile(r"[\x21-\x7e]{8,200}", re.ASCII)


class RequestInProgress(Exception):
    """Another request holds the lease. Send the request again after `retry_after` seconds."""

    def __init__(self, *, retry_after: float) -> None:
        super().__init__("in progress")
        self.retry_after = retry_after


class IdempotencyKeyReused(Exception):
    """The key came with another request before. Use a new key for each request."""


class ResultGone(Exception):
    """The request created something that no longer exists under its id. Read again."""


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """
    A request with its key.

    :param route: the operation
    :param body: the request's content, in one canonical form
    """

    route: str
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class RequestHashes:
    """Keyed hashes: `key` of the sender, the route and the key, `body` of the content."""

    key: bytes
    body: bytes


class IdempotentAttempt:
    """A request as a view with `idempotent` handles it."""

    def __init__(self, http: Request, route: str) -> None:
        self._http, self._route = http, route
        self.lease: Reply | None = None

    def read_keyed_request(self) -> KeyedRequest:
        """:raises ValidationError: if the request has no valid `Idempotency-Key`"""
        key = self._http.headers.get("Idempotency-Key", "")
        if not _KEY.fullmatch(key):
            reason = "Give one, of 8 to 200 characters: the same again then makes no second one."
            raise ValidationError({"Idempotency-Key": [reason]})
        body = orjson.dumps(self._http.data, option=orjson.OPT_SORT_KEYS)
        return KeyedRequest(self._route, key, body)

    def claim(self, context: RequestContext, integration: Integration) -> Reply | None:
        """
        Return the record of an earlier request; None: this request has the lease and does the work.

        :raises: what the function `claim` raises
        """
        record = claim(context, self.read_keyed_request(), integration)
        if record.status is not None:
            return record
        self.lease = record
        return None

    def complete(self, *, status: int, event_id: UUID | None) -> None:
        """Store the result, before the answer is made. A purged record does not come back."""
        if self.lease is not None:
            Reply.objects.filter(id=self.lease.id).update(
                held_until=None, status=status, event_id=event_id
            )


def idempotent(
    route: str, *, undone: tuple[type[Exception], ...] = ()
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """
    Decorate a method of a view that takes an `Idempotency-Key`; it is given an `Attempt`.

    The view claims the lease, does the work and completes the attempt; if it raises before that,
    the lease is released.

    :param undone: errors after which nothing was written
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
    Return the answer to a request that was done before, marked as a replay.

    :raises ResultGone: if `make` does not find the result
    """
    try:
        answer = make()
    except ObjectNotFound:
        raise ResultGone from None
    answer["Idempotent-Replayed"] = "true"
    return answer


def claim(context: RequestContext, request: KeyedRequest, integration: Integration) -> Reply:
    """
    Return the record of a request: with a `status` it was done; without, the caller has the lease.

    Of several equal requests at once, one gets the lease. An expired lease is taken over by one.

    :param integration: the record ends with it
    :raises InProgress: if another request holds the lease
    :raises OtherBody: if the key came with another request
    :raises fences.NoLongerLive: if the integration was disconnected meanwhile
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
            # It was released between these two statements.
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
    Give a lease back; do nothing if it was taken over, or the request is done.

    :param is_undone: nothing was written: the key may be used for another request. Otherwise the
        same request may be sent again at once, and no other under its key
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
    Return the id of what the same request created, for operations of one transaction.

    Call it in that transaction, which must exclude all others; see `store_result`.

    :raises OtherBody: if the key came with another request
    """
    _delete_expired(hashes, at)
    record = Reply.objects.filter(key_blind=hashes.key).first()
    if record is None:
        return None
    if bytes(record.body_blind) != hashes.body:
        raise IdempotencyKeyReused
    return record.event_id


def store_result(
    hashes: RequestHashes, integration: Integration, *, created: UUID, at: datetime
) -> None:
    """Store what a request created, in the transaction that creates it."""
    Reply.objects.create(
        integration=integration,
        user_id=integration.connection.user_id,
        organisation_id=integration.connection.organisation_id,
        key_blind=hashes.key,
        body_blind=hashes.body,
        began_at=at,
        status=HTTPStatus.CREATED,
        event_id=created,
    )


def delete_expired(*, at: datetime) -> int:
    """Delete records that are a day old; return how many."""
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
