"""
The sink towards the provider that the data came from, for the account that it belongs to.

A permit's holder is compared with that of each row, and its account, found in the database, with
the one that is asked. A text is for an `Outlet`, which is what its adapter was opened with, so that
no other account's adapter is told it; a token is asked with by itself, as whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from limited_use.access_request import Permit
from limited_use.policy.vocabulary import DataClass, Purpose, Recipient
from limited_use.vault import opening
from limited_use.vault.sealed import SealedValue

from .traceback_guard import WrongSink, guard_plaintext

T = TypeVar("T")


class ProviderOutlet(Protocol):
    """What texts go out by: the access of one account, which adapters are opened with."""

    @property
    def account(self) -> UUID:
        """The connection whose token goes along."""


# To write an event, too, its provider is asked by the names that it gave.
_PROVIDER_PURPOSES = frozenset(
    {Purpose.CONNECTION_MAINTAIN, Purpose.CONNECTION_END, Purpose.CALENDAR_SCHEDULE}
)


@guard_plaintext
def open_credential(sealed: SealedValue, permit: Permit, *, to: UUID, at: datetime) -> str:
    """
    Return a token, for a request to the provider that issued it.

    :param to: the connection that it is put to use for
    :raises WrongSink: if the permit is not for that, or for another account
    :raises Unopenable: if it does not open
    """
    if permit.use.data_class != DataClass.CREDENTIAL:
        raise WrongSink
    return _open_for_provider([sealed], permit, to, at)[0]


@guard_plaintext
def open_text(sealed: SealedValue, permit: Permit, *, to: ProviderOutlet, at: datetime) -> str:
    """
    Return a cursor, remote id or account name, for a request to the provider that gave it.

    :raises WrongSink: if the permit is not for that, or for another account
    :raises Unopenable: if it does not open
    """
    if permit.use.data_class == DataClass.CREDENTIAL:
        raise WrongSink
    return _open_for_provider([sealed], permit, to.account, at)[0]


@guard_plaintext
def open_texts(
    sealed: Sequence[SealedValue], permit: Permit, *, to: ProviderOutlet, at: datetime
) -> list[str]:
    """Return many of them, having read the key once. See `text`."""
    if permit.use.data_class == DataClass.CREDENTIAL:
        raise WrongSink
    return _open_for_provider(sealed, permit, to.account, at)


@guard_plaintext
def pick_parts(
    sealed: Sequence[SealedValue],
    permit: Permit,
    pick: Callable[[bytes], T],
    *,
    to: ProviderOutlet,
    at: datetime,
) -> list[T]:
    """
    Return what `pick` takes out of each value: the part that the provider is asked by.

    The rest of what was opened stays in here. See `text`.
    """
    if permit.use.data_class == DataClass.CREDENTIAL:
        raise WrongSink
    _check_permit(permit, to.account)
    return [pick(data) for data in opening.open_all(sealed, permit, at=at)]


def _open_for_provider(
    sealed: Sequence[SealedValue], permit: Permit, to: UUID, at: datetime
) -> list[str]:
    _check_permit(permit, to)
    return [data.decode() for data in opening.open_all(sealed, permit, at=at)]


def _check_permit(permit: Permit, to: UUID) -> None:
    """:raises WrongSink: if the permit is not for talking to the own provider about that account"""
    use = permit.use
    if use.purpose not in _PROVIDER_PURPOSES or use.recipient != Recipient.OWN_PROVIDER:
        raise WrongSink
    if permit.account != to:
        raise WrongSink
