"""Access tokens: one per person and purpose, kept until shortly before their end."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx

from .credentials import ASSERTION_TYPE, Credentials
from .errors import (
    AntaresError,
    DelegationEnded,
    TokenRefused,
    UnexpectedResponse,
    make_problem_error,
    read_json_object,
)
from .hand_over import HandedOver
from .retries import Retries

#: Scope of a token without a person: for delegations and removals.
CLIENT_SCOPE: Final = "client"
# Seconds before its end at which a token is replaced.
_RENEWAL_MARGIN: Final = 60.0
_LONGEST_LIFETIME: Final = 3600.0


@dataclass(frozen=True)
class Grant:
    """Scope of a token: a purpose with a person's delegation, or the client itself."""

    scope: str
    delegation: UUID | None = None

    @classmethod
    def for_person(cls, delegation: UUID, purpose: str) -> Grant:
        return cls(f"purpose:{purpose}", delegation)


@dataclass
class _KeptToken:
    """Times are those of the monotonic clock."""

    value: str = field(default="", repr=False)
    # Without a token: until then, its request may be about to begin.
    renew_at: float = field(default_factory=lambda: time.monotonic() + _RENEWAL_MARGIN)
    failure: AntaresError | httpx.RequestError | None = None
    failed_at: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_fresh(self) -> bool:
        return bool(self.value) and time.monotonic() < self.renew_at

    def is_needed(self) -> bool:
        return time.monotonic() < self.renew_at or self.lock.locked()


class TokenSource:
    """
    Requests tokens, and keeps them in memory. Threads share it.

    :param http: sends the requests; a redirect is never followed
    """

    def __init__(
        self, credentials: Credentials, *, http: httpx.Client, retries: Retries, timeout: float
    ) -> None:
        self._credentials = credentials
        self._http = http
        self._retries = retries
        self._timeout = timeout
        self._kept: dict[Grant, _KeptToken] = {}
        self._lock = threading.Lock()

    def get_token(self, grant: Grant, *, ends_at: float) -> str:
        """
        Return a kept token, or request a new one.

        :param ends_at: of `Retries.compute_end`
        :raises DelegationEnded, TokenRefused, ProblemError, UnexpectedResponse:
        :raises httpx.RequestError:
        """
        kept = self._get_kept(grant)
        waits_since = time.monotonic()
        # Threads that need the same token wait for one request, and share its failure.
        with kept.lock:
            if kept.is_fresh():
                return kept.value
            if kept.failure is not None and kept.failed_at >= waits_since:
                raise kept.failure.with_traceback(None)
            began_at = time.monotonic()
            try:
                body = self._request_token(grant, ends_at=ends_at)
            except (AntaresError, httpx.RequestError) as error:
                kept.failure, kept.failed_at = error, time.monotonic()
                raise
            _keep(kept, body, began_at=began_at)
            return kept.value

    def discard_token(self, grant: Grant, token: str) -> None:
        """Forget a token that the service did not accept, unless it was replaced already."""
        kept = self._get_kept(grant)
        with kept.lock:
            if kept.value == token:
                kept.value = ""

    def exchange_code(
        self, *, code: str, redirect_uri: str, code_verifier: str, purpose: str
    ) -> HandedOver:
        """
        Exchange an authorization code (RFC 6749 §4.1.3), and keep its token.

        Sent once: a second use of the code would end the token of the first one.

        :raises TokenRefused, ProblemError, UnexpectedResponse, httpx.RequestError:
        """
        began_at = time.monotonic()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": code_verifier,
        }
        response = self._post(form, timeout=self._timeout)
        if not response.is_success:
            raise _make_refusal(response)
        body = _read_token_response(response, scope=f"purpose:{purpose}")
        try:
            handed_over = HandedOver(
                delegation=UUID(body["delegation"]),
                user=UUID(body["user"]),
                platform_user=_check_text(body["platform_user"]),
                purpose=purpose,
            )
        except (KeyError, ValueError, TypeError, AttributeError):
            raise UnexpectedResponse(response) from None
        kept = self._get_kept(Grant.for_person(handed_over.delegation, purpose))
        with kept.lock:
            _keep(kept, body, began_at=began_at)
        return handed_over

    def _request_token(self, grant: Grant, *, ends_at: float) -> dict[str, Any]:
        form = {"grant_type": "client_credentials", "scope": grant.scope}
        if grant.delegation is not None:
            form["delegation"] = str(grant.delegation)
        # Each attempt has a new assertion, and a token that nobody received does no harm.
        response = self._retries.run(
            lambda remaining: self._post(form, timeout=min(self._timeout, remaining)),
            ends_at=ends_at,
        )
        if response.is_success:
            return _read_token_response(response, scope=grant.scope)
        refusal = _make_refusal(response)
        if isinstance(refusal, TokenRefused) and refusal.error == "invalid_grant":
            refusal = DelegationEnded(response)
        raise refusal

    def _post(self, form: dict[str, str], *, timeout: float) -> httpx.Response:
        assertion = {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._credentials.make_assertion(),
        }
        return self._http.post(
            self._credentials.token_url, data={**form, **assertion}, timeout=timeout
        )

    def _get_kept(self, grant: Grant) -> _KeptToken:
        with self._lock:
            if grant not in self._kept:
                # People come and go: only the tokens of the last minutes stay.
                self._kept = {other: kept for other, kept in self._kept.items() if kept.is_needed()}
                self._kept[grant] = _KeptToken()
            return self._kept[grant]


def _keep(kept: _KeptToken, body: dict[str, Any], *, began_at: float) -> None:
    # In this order: a longer integer may not become a float.
    lifetime = float(min(body["expires_in"], _LONGEST_LIFETIME))
    kept.value, kept.failure = body["access_token"], None
    # Counted from before the request: the service counts from within it.
    kept.renew_at = began_at + lifetime - min(_RENEWAL_MARGIN, lifetime / 2)


def _make_refusal(response: httpx.Response) -> AntaresError:
    """Return what to raise: a service that is busy answers with a problem document."""
    refused = TokenRefused(response)
    return refused if refused.error else make_problem_error(response)


def _check_text(value: Any) -> str:
    """:raises TypeError:"""
    if not isinstance(value, str):
        raise TypeError
    return value


def _read_token_response(response: httpx.Response, *, scope: str) -> dict[str, Any]:
    """:raises UnexpectedResponse: unless it is a bearer token of this scope"""
    body = read_json_object(response) or {}
    token, lifetime = body.get("access_token"), body.get("expires_in")
    is_usable = (
        isinstance(token, str)
        and token.isascii()
        and token.isprintable()
        and isinstance(lifetime, int)
        and lifetime > 0
        and str(body.get("token_type", "")).lower() == "bearer"
        and body.get("scope", scope) == scope
    )
    if not token or not is_usable:
        raise UnexpectedResponse(response)
    return body
