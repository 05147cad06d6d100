"""Calls to a provider's API: each pays its quota first, and renews a rejected token once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeVar

from integrations.providers import errors
from integrations.providers.provider_access import ProviderAccess

T = TypeVar("T")


class CallAdmission(Protocol):
    """
    Decides when a call may be sent.

    `covers_retry`: one admission covers a call and its repetition with a new token.
    """

    covers_retry: ClassVar[bool]

    def admit(self, units: int) -> AbstractContextManager[None]:
        """Pay `units` of quota, and hold request slots within the block."""


@dataclass(frozen=True, slots=True)
class ProviderSession:
    """:param access: with which the caller opened its adapter"""

    access: ProviderAccess
    admission: CallAdmission

    def call(self, request: Callable[[], T], *, units: int = 0) -> T:
        """
        Repeat `request` once if the provider rejects the token.

        :param units: price in the provider's quota
        :raises errors.ProviderError:
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
