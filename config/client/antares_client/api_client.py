"""Requests with one grant. The functions of `antares_client.api` take an `ApiClient`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import httpx

from .errors import UnexpectedResponse, raise_for_problem
from .retries import Retries, is_repeatable
from .tokens import Grant, TokenSource

Body = TypeVar("Body")
# Deep nesting ends in a RecursionError.
_UNREADABLE: Final = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


@dataclass(frozen=True)
class ApiResponse(Generic[Body]):
    """A success, with its status and headers (`ETag`, `Location`, `Idempotent-Replayed`)."""

    status: int
    headers: Mapping[str, str]
    body: Body


class ApiClient:
    """
    Sends requests with the tokens of one grant: see `Antares.act_for_person`.

    Threads share it.
    """

    def __init__(
        self,
        *,
        grant: Grant,
        tokens: TokenSource,
        http: httpx.Client,
        retries: Retries,
        timeout: float,
    ) -> None:
        self._grant = grant
        self._tokens = tokens
        self._http = http
        self._retries = retries
        self._timeout = timeout

    def call(self, read: Callable[[httpx.Response], Body], **arguments: Any) -> ApiResponse[Body]:
        """
        Send a request, and read its response.

        :raises ProblemError, TokenRefused, UnexpectedResponse, httpx.RequestError:
        """
        response = self.request(**arguments)
        try:
            body = read(response)
        except _UNREADABLE as error:
            raise UnexpectedResponse(response) from error
        return ApiResponse(response.status_code, response.headers, body)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str] | None = None, **arguments: Any
    ) -> httpx.Response:
        """
        Send a request to a path of the service, with a token.

        Retried if `is_repeatable`. If the service does not accept the token, a new one is
        requested once: the request had no effect.

        :raises ProblemError, TokenRefused, UnexpectedResponse, httpx.RequestError:
        """
        if not url.startswith("/") or url.startswith("//"):
            # A whole address could lead the token to another host.
            raise ValueError(f"{url!r} is not a path")
        ends_at = self._retries.compute_end()
        # A file that was read cannot be sent again.
        is_body_lasting = isinstance(arguments.get("content", b""), bytes | str)
        headers = dict(headers or {})

        def send(remaining: float) -> httpx.Response:
            timeout = min(self._timeout, remaining)
            return self._http.request(method, url, headers=headers, timeout=timeout, **arguments)

        def send_with_token(token: str) -> httpx.Response:
            headers["Authorization"] = f"Bearer {token}"
            if is_body_lasting and is_repeatable(method, headers):
                return self._retries.run(send, ends_at=ends_at)
            return send(self._timeout)

        token = self._tokens.get_token(self._grant, ends_at=ends_at)
        response = send_with_token(token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._tokens.discard_token(self._grant, token)
            if is_body_lasting:
                response = send_with_token(self._tokens.get_token(self._grant, ends_at=ends_at))
        raise_for_problem(response)
        return response
