"""
Calls to a provider's API: each pays its quota first, and renews a rejected token once.

The admission (`admission_control`) decides how a caller waits for quota and request slots.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from integrations.providers import errors
from integrations.providers.access import ProviderAccess

T = TypeVar("T")


class Admission(Protocol):
    """
    Decides when a call may be sent.

    `covers_retry` says whether one admission covers a call and its repetition with a new token.
    """

    covers_retry: ClassVar[bool]

    def admit(self, units: int) -> AbstractContextManager[None]:
        """Pay `units` of quota, and hold request slots until the block ends."""


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """
    Calls the provider of one account.

    :param access: the access with which the caller opened its adapter
    """

    access: ProviderAccess
    admission: Admission

    def call(self, request: Callable[[], T], *, units: int = 0) -> T:
        """
        Return the result of `request`, which is repeated once if the provider rejects the token.

        :param units: the call's price in the provider's quota; 0: free
        :raises errors.ProviderError: the provider's refusal
        :raises: as the admission does, before anything is sent
        """

        def send_admitted() -> T:
            with self.admission.admit(units):
                return request()

        if not self.admission.covers_retry:
            return self._retry_once(send_admitted)
        with self.admission.admit(units):
            return self._retry_once(request)

    def _retry_once(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except errors.TokenRejected as refusal:
            self.access.renew(refusal)
        return request()
