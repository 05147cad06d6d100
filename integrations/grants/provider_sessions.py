"""
Calls to a provider's API: quota is paid before a call, and a refused token is renewed once.

How a caller waits for quota and request slots is the decision of its admission
(`admission_control`).
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

    `covers_retry` says whether one admission serves a call and its repetition with a new token.
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
        Return the result of `request`, which is repeated once if the provider refuses the token.

        :param units: the price of the call in the provider's quota; 0: the call is free
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
