"""
The sink towards the data's own provider, for the data's own account.

A text needs the `ProviderOutlet` of its adapter, so no other account's adapter gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar
from uuid import UUID

from limited_use.access_request import Permit
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient
from limited_use.vault import opening
from limited_use.vault.sealed import SealedValue

from .traceback_guard import WrongSink, guard_plaintext

T = TypeVar("T")


class ProviderOutlet(Protocol):
    """One account's access, with which adapters are opened."""

    @property
    def account(self) -> UUID:
        """The connection that provides the token."""


# Event writes and sent mail also name remote ids to their provider.
_PROVIDER_PURPOSES = frozenset(
    {
        Purpose.CONNECTION_MAINTAIN,
        Purpose.CONNECTION_END,
        Purpose.CALENDAR_SCHEDULE,
        Purpose.MAIL_SEND,
        Purpose.DRIVE_UPLOAD,
        Purpose.NOTIFY_OWNER,
    }
)


@guard_plaintext
def open_credential(sealed: SealedValue, permit: Permit, *, to: UUID, at: datetime) -> str:
    """
    Return a token, for a request to its provider.

    :param to: the connection that uses the token
    :raises WrongSink, Unopenable:
    """
    if permit.use.data_class != DataClass.CREDENTIAL:
        raise WrongSink
    return _open_for_provider([sealed], permit, to, at)[0]


@guard_plaintext
def open_text(sealed: SealedValue, permit: Permit, *, to: ProviderOutlet, at: datetime) -> str:
    """
    Return a cursor, remote id or account name, for a request to its provider.

    :raises WrongSink, Unopenable:
    """
    if permit.use.data_class == DataClass.CREDENTIAL:
        raise WrongSink
    return _open_for_provider([sealed], permit, to.account, at)[0]


@guard_plaintext
def open_texts(
    sealed: Sequence[SealedValue], permit: Permit, *, to: ProviderOutlet, at: datetime
) -> list[str]:
    """Return many texts, reading the key once. See `open_text`."""
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
    """Return the part of each value that `pick` takes out for the request. See `open_text`."""
    if permit.use.data_class == DataClass.CREDENTIAL:
        raise WrongSink
    _check_permit(permit, to.account)
    return [pick(data) for data in opening.open_sealed_values(sealed, permit, at=at)]


class OpenedFile:
    """
    The chunks of a stored file, each opened when it is read.

    A large file takes longer than a permit lives, so an expired permit is replaced. Each chunk
    reads keys and fences again: a disconnect breaks the file off.
    """

    def __init__(
        self,
        chunks: Iterator[SealedValue],
        get_permit: Callable[[datetime], Permit],
        to: ProviderOutlet,
        get_time: Callable[[], datetime],
    ) -> None:
        self._chunks = chunks
        self._get_permit = get_permit
        self._to = to
        self._get_time = get_time
        self._permit: Permit | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        sealed = next(self._chunks)
        at = self._get_time()
        if self._permit is None or at >= self._permit.expires_at:
            self._permit = self._get_permit(at)
        return _open_chunk(sealed, self._permit, self._to, at)


@guard_plaintext
def open_file_chunks(
    chunks: Iterator[SealedValue],
    get_permit: Callable[[datetime], Permit],
    *,
    to: ProviderOutlet,
    get_time: Callable[[], datetime],
) -> OpenedFile:
    """
    Return a stored file for a request to its provider.

    :param get_permit: returns a permit that is valid at that time
    :raises WrongSink, Unopenable: while the chunks are read
    """
    return OpenedFile(chunks, get_permit, to, get_time)


@guard_plaintext
def _open_chunk(sealed: SealedValue, permit: Permit, to: ProviderOutlet, at: datetime) -> bytes:
    if permit.use.data_class == DataClass.CREDENTIAL:
        raise WrongSink
    _check_permit(permit, to.account)
    return opening.open_sealed_values([sealed], permit, at=at)[0]


def _open_for_provider(
    sealed: Sequence[SealedValue], permit: Permit, to: UUID, at: datetime
) -> list[str]:
    _check_permit(permit, to)
    return [data.decode() for data in opening.open_sealed_values(sealed, permit, at=at)]


def _check_permit(permit: Permit, to: UUID) -> None:
    use = permit.use
    if use.purpose not in _PROVIDER_PURPOSES or use.recipient != Recipient.OWN_PROVIDER:
        raise WrongSink
    if permit.account != to:
        raise WrongSink
