"""
A mailbox, or calendars, called while a person waits; each call of mail is paid for first.

A page does not refresh a grant, for it could not open what that takes: a worker does. Every call
holds one of the person's slots (`concurrency`), and quota is waited for one second at most.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol, TypeVar
from uuid import UUID

from django.conf import settings

from integrations import concurrency, quotas, request_slots, tokens
from integrations.concurrency import Wait
from integrations.endpoints import pace
from integrations.fences import NoLongerLive
from integrations.models import Connection
from integrations.providers import PROVIDERS, errors
from integrations.providers.access import Access
from integrations.providers.arriving import ArrivingFile
from integrations.providers.base import MailAdapter, MailUnits
from integrations.providers.calendars import CalendarAdapter
from integrations.task_queue import enqueue

T = TypeVar("T")

# Bytes of one file; Gmail itself accepts no more than 35 MiB in a message.
LARGEST = 36 * 1024 * 1024


class Call(Protocol):
    """Ask the mailbox once; `units` is what that costs, in the provider's quota."""

    def __call__(self, units: int, ask: Callable[[MailAdapter], T]) -> T: ...


@contextmanager
def opened(connection_id: UUID) -> Iterator[tuple[MailUnits, Call]]:
    """
    Hold what calls cost, and a way to make them.

    :raises errors.ProviderError: what a call met, and `RateLimited` where the quota is used up
    :raises NoLongerLive: if it was disconnected
    :raises concurrency.TooManyWaits: if the person waits for providers in two other requests
    """
    with concurrency.waiting(), _open_mail(connection_id) as found:
        yield found


@contextmanager
def _open_mail(connection_id: UUID) -> Iterator[tuple[MailUnits, Call]]:
    live = Connection.objects.live().filter(id=connection_id)
    key = live.values_list("provider", flat=True).first()
    if key is None:
        raise NoLongerLive
    provider = PROVIDERS[key]
    if provider.open_mail is None or provider.mail_units is None:
        raise errors.Rejected("this provider has no mail")
    limit = quotas.limit_of(pace(provider))
    with provider.open_mail(access_to(connection_id)) as adapter:

        def call(units: int, ask: Callable[[MailAdapter], T]) -> T:
            with (
                concurrency.waiting() as wait,
                _holding_slots(connection_id, units, provider.most_at_once, wait),
            ):
                _pay(connection_id, units, limit, wait)
                try:
                    return ask(adapter)
                except errors.TokenRejected as refused:
                    tokens.renew(adapter.access, refused)
                    return ask(adapter)

        yield provider.mail_units, call


class CalendarCall(Protocol):
    """Ask the account's calendars once."""

    def __call__(self, ask: Callable[[CalendarAdapter], T]) -> T: ...


def access_to(connection_id: UUID) -> Access:
    """
    Return what an account is called with.

    :raises NoLongerLive: if it was disconnected
    """
    return tokens.access(connection_id=connection_id, ask=request_refresh)


def request_refresh(connection_id: UUID) -> None:
    """
    Ask a worker to refresh the grant of an account.

    :raises errors.Unavailable: if the broker is down; the connection's row keeps the request
    """
    # The caller waits no longer than the message is valid.
    patience = settings.REFRESH_PATIENCE_SECONDS
    if not enqueue("integrations.refresh_grant", expires=patience, connection_id=connection_id):
        raise errors.Unavailable(
            "no worker can be asked now", retry_after=float(settings.SWEEP_SECONDS)
        )


@contextmanager
def calendars(access: Access) -> Iterator[CalendarCall]:
    """
    Hold a way to call the calendars of the account that `access` is for.

    :raises errors.ProviderError: what a call met
    :raises concurrency.TooManyWaits: if the person waits for providers in two other requests
    """
    key = Connection.objects.values_list("provider", flat=True).get(id=access.account)
    provider = PROVIDERS[key]
    opened_calendars = provider.open_calendars
    if opened_calendars is None:
        raise errors.Rejected("this provider has no calendars")
    with concurrency.waiting() as wait, opened_calendars(access) as adapter:

        def call(ask: Callable[[CalendarAdapter], T]) -> T:
            with _holding_slots(access.account, 1, provider.most_at_once, wait):
                try:
                    return ask(adapter)
                except errors.TokenRejected as refused:
                    tokens.renew(access, refused)
                    return ask(adapter)

        yield call


@contextmanager
def _holding_slots(connection_id: UUID, want: int, most: int, wait: Wait) -> Iterator[None]:
    """
    Hold as many slots of the mailbox as a call can use, out of the time that a person waits.

    :raises errors.RateLimited: if others use them for longer than a person waits
    """
    began = time.monotonic()
    try:
        with request_slots.hold(
            connection_id=connection_id,
            want=want,
            most=most,
            patience=wait.quota_patience,
            is_person=True,
        ):
            waited = time.monotonic() - began
            wait.quota_patience = max(0.0, wait.quota_patience - waited)
            yield
    except request_slots.NoSlot as busy:
        raise errors.RateLimited(
            "the mailbox answers other requests", retry_after=busy.wait
        ) from None


def _pay(connection_id: UUID, units: int, limit: quotas.Limit, wait: Wait) -> None:
    grant = quotas.draw(
        connection_id=connection_id,
        want=units,
        least=units,
        limit=limit,
        patience=wait.quota_patience,
        is_person=True,
    )
    if not grant.units:
        raise errors.RateLimited("the mailbox's quota is used up", retry_after=grant.wait)
    if grant.wait:
        time.sleep(grant.wait)
        wait.quota_patience = max(0.0, wait.quota_patience - grant.wait)


def file(connection_id: UUID, message_id: str, part: str, *, most: int = LARGEST) -> bytes:
    """
    Return one part of a message, by the provider's id.

    :raises errors.Rejected: if it has more than `most` bytes
    """
    with concurrency.waiting(), open_file(connection_id, message_id, part, most=most) as arriving:
        return b"".join(arriving)


def open_file(
    connection_id: UUID, message_id: str, part: str, *, most: int = LARGEST
) -> ArrivingFile:
    """
    Return one part of a message as it arrives; whoever takes it closes it.

    A slot is held until the provider begins to answer: the rest is a stream of the caller's.

    :raises errors.Rejected: if it has more than `most` bytes; at the first piece beyond, if the
        provider does not say its size
    """
    with ExitStack() as stack:
        units, call = stack.enter_context(_open_mail(connection_id))
        arriving = call(units.attachment, lambda adapter: adapter.attachment(message_id, part))
        stack.callback(arriving.close)
        if (arriving.size or 0) > most:
            raise _too_large()
        return ArrivingFile(
            _bounded(arriving, arriving.size, most), stack.pop_all(), size=arriving.size
        )


def _bounded(pieces: Iterator[bytes], size: int | None, most: int) -> Iterator[bytes]:
    """Yield `pieces`; a file that is not of the size that was said does not end as if whole."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise _too_large()
        if size is not None and total > size:
            break
        yield piece
    if size is not None and total != size:
        raise errors.Unavailable("the file is not of the size that the provider said")


def _too_large() -> errors.Rejected:
    return errors.Rejected("the attachment is larger than we carry", reason="too-large")
