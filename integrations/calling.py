"""
A mailbox, or calendars, called while somebody waits; of mail each call is paid for first.

A page does not refresh it, for it could not open what that takes: a worker does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar
from uuid import UUID

from integrations import quotas, tokens
from integrations.endpoints import pace
from integrations.models import Connection
from integrations.providers import PROVIDERS, errors
from integrations.providers.access import Access
from integrations.providers.base import MailAdapter, MailUnits
from integrations.providers.calendars import CalendarAdapter
from integrations.tasks import grants

T = TypeVar("T")

# Seconds that a person waits for the quota: longer than a worker, and so before it.
PATIENCE = 10.0
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
    """
    key = Connection.objects.live().values_list("provider", flat=True).get(id=connection_id)
    provider = PROVIDERS[key]
    if provider.open_mail is None or provider.mail_units is None:
        raise errors.Rejected("this provider has no mail")
    limit = quotas.Limit(pace(provider).units_per_minute)
    with provider.open_mail(access_to(connection_id)) as adapter:

        def call(units: int, ask: Callable[[MailAdapter], T]) -> T:
            _pay(connection_id, units, limit)
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
    return tokens.access(connection_id=connection_id, ask=grants.ask_refresh)


@contextmanager
def calendars(access: Access) -> Iterator[CalendarCall]:
    """
    Hold a way to call the calendars of the account that `access` is for.

    :raises errors.ProviderError: what a call met
    """
    key = Connection.objects.values_list("provider", flat=True).get(id=access.account)
    opened_calendars = PROVIDERS[key].open_calendars
    if opened_calendars is None:
        raise errors.Rejected("this provider has no calendars")
    with opened_calendars(access) as adapter:

        def call(ask: Callable[[CalendarAdapter], T]) -> T:
            try:
                return ask(adapter)
            except errors.TokenRejected as refused:
                tokens.renew(access, refused)
                return ask(adapter)

        yield call


def _pay(connection_id: UUID, units: int, limit: quotas.Limit) -> None:
    grant = quotas.draw(
        connection_id=connection_id,
        want=units,
        least=units,
        limit=limit,
        patience=PATIENCE,
    )
    if not grant.units:
        raise errors.RateLimited("the mailbox's quota is used up", retry_after=grant.wait)
    if grant.wait:
        time.sleep(grant.wait)


def file(connection_id: UUID, message_id: str, part: str, *, most: int = LARGEST) -> bytes:
    """
    Return one part of a message, by the provider's id.

    :raises errors.Rejected: if it has more than `most` bytes
    """
    with opened(connection_id) as (units, call):
        return call(
            units.attachment, lambda adapter: read(adapter.attachment(message_id, part), most)
        )


def read(pieces: Iterator[bytes], most: int) -> bytes:
    """
    Return all pieces together.

    :raises errors.Rejected: if they are more than `most` bytes
    """
    data = bytearray()
    for piece in pieces:
        data += piece
        if len(data) > most:
            raise errors.Rejected("the attachment is larger than we carry", reason="too-large")
    return bytes(data)
