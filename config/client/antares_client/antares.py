"""The service, as a client sees it."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self
from uuid import UUID

import httpx

from . import hand_over
from .api_client import ApiClient
from .credentials import Credentials
from .hand_over import HandedOver, PendingHandOver
from .retries import Retries
from .tokens import CLIENT_SCOPE, Grant, TokenSource

_DEFAULT_TIMEOUT: Final = 30.0


class Antares:
    """
    Connections and tokens of one client. A process needs one; threads share it.

    Proxies of the environment (`HTTPS_PROXY`) are used, except for a service on this machine.

    :param timeout: seconds for each part of a request: connect, send, receive
    :param transport: for tests, or for a proxy of your own
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        retries: Retries | None = None,
        timeout: float = _DEFAULT_TIMEOUT,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._credentials = credentials
        self._retries = retries or Retries()
        self._timeout = timeout
        # A redirect is never followed: it could carry a token to another host. Without HTTPS, a
        # proxy could read it.
        self._http = httpx.Client(
            base_url=credentials.base_url,
            transport=transport,
            follow_redirects=False,
            trust_env=credentials.is_encrypted,
        )
        self._tokens = TokenSource(
            credentials, http=self._http, retries=self._retries, timeout=timeout
        )

    def act_for_person(self, delegation: UUID, *, purpose: str) -> ApiClient:
        """Return a client of the API that reads the data of one person, for one purpose."""
        return self._make_api_client(Grant.for_person(delegation, purpose))

    def act_for_client(self) -> ApiClient:
        """Return a client of the API for your own matters: delegations and removals."""
        return self._make_api_client(Grant(CLIENT_SCOPE))

    def begin_hand_over(self, *, purpose: str, redirect_uri: str) -> tuple[str, PendingHandOver]:
        """
        Return the address to send the person to, and what to keep until they are back.

        :param redirect_uri: one that the operator registered, character by character
        """
        pending = hand_over.make_pending_hand_over(purpose=purpose, redirect_uri=redirect_uri)
        return hand_over.build_authorization_url(self._credentials, pending), pending

    def complete_hand_over(self, pending: PendingHandOver, query: str) -> HandedOver:
        """
        Check the redirect back, and exchange its code.

        :param query: query string of the redirect
        :raises HandOverDeclined: the person did not agree
        :raises HandOverFailed, TokenRefused, ProblemError, UnexpectedResponse, httpx.RequestError:
        """
        code = hand_over.read_redirect(self._credentials, pending, query)
        return self._tokens.exchange_code(
            code=code,
            redirect_uri=pending.redirect_uri,
            code_verifier=pending.code_verifier,
            purpose=pending.purpose,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _make_api_client(self, grant: Grant) -> ApiClient:
        return ApiClient(
            grant=grant,
            tokens=self._tokens,
            http=self._http,
            retries=self._retries,
            timeout=self._timeout,
        )
