"""
The one door for HTTP to OpenBao or Vault: a pooled client, short timeouts, a token kept alive.

Whoever reads the key store's own words in an exception could read a key with
them, so none leaves: no body, no header, no cause.
"""

from __future__ import annotations

import math
import os
import ssl
import weakref
from threading import Lock
from time import monotonic
from typing import Any, Final

import httpx

from .port import KeyringConfig, KeyStoreUnavailable, NoKeyring, key_server_address

# A person may be waiting for the page.
TIMEOUT: Final = httpx.Timeout(2.0, connect=1.0)
# After a failure everybody is told at once for this long, instead of waiting in line.
PAUSE_SECONDS: Final = 1.0
# A token is renewed when this much of its life is left.
RENEW_AT: Final = 0.5
_OK, _REFUSED, _DENIED, _MISSING = 200, 400, 403, 404
_HTTPS: Final = 443


class Declined(Exception):
    """The store understood and does not do it. `why` is its own words, for us to compare."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(status)
        self.status = status
        self.why = why


class Store:
    """:param config: the address of the key server and our credentials"""

    def __init__(self, config: KeyringConfig) -> None:
        self._config = config
        verify = ssl.create_default_context(cafile=config.ca or None)
        self._client = httpx.Client(
            base_url=f"{config.url}/v1/",
            timeout=TIMEOUT,
            verify=verify,
            trust_env=False,
            follow_redirects=False,
        )
        # Also at exit, and by whoever opened it: a forked worker has no sockets of its own there.
        weakref.finalize(self, _close, self._client, os.getpid())
        self._at = (self._client.base_url.host, self._client.base_url.port or _HTTPS)
        self._lock = Lock()
        self._token = ""
        self._renew_at = math.inf
        self._down_until = 0.0

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """
        Return the `data` of the answer; empty if there is none.

        :raises KeyStoreUnavailable: if it is sealed, down, slow or overloaded
        :raises NoKeyring: if it does not let us
        :raises Declined: if it says no
        """
        token = self._current()
        answer = self._send(method, path, body, token)
        if answer.status_code == _DENIED:
            token = self._after_denial(token)
            answer = self._send(method, path, body, token)
        return _data(answer)

    def _current(self) -> str:
        with self._lock:
            if not self._token:
                self._token = self._begin()
            elif monotonic() >= self._renew_at:
                self._renew(self._token)
            return self._token

    def _begin(self) -> str:
        """Return a token: a new one for a role, or the one that was given, once it is known."""
        config = self._config
        if not config.role_id:
            self._know(_data(self._send("GET", "auth/token/lookup-self", None, config.token)))
            return config.token
        answer = self._send(
            "POST",
            "auth/approle/login",
            {"role_id": config.role_id, "secret_id": config.secret_id},
            None,
        )
        if answer.status_code in {_REFUSED, _DENIED}:
            raise NoKeyring("the key store does not know our role: check the two ids")
        auth = _member(answer, "auth")
        self._know(auth)
        return str(auth["client_token"])

    def _renew(self, token: str) -> None:
        answer = self._send("POST", "auth/token/renew-self", {}, token)
        if answer.status_code == _OK:
            self._know(_member(answer, "auth"))
        elif self._config.role_id:
            self._token = self._begin()
        else:
            # It may not be renewed. Used until it ends, and then refused with a reason.
            self._renew_at = math.inf

    def _after_denial(self, token: str) -> str:
        """
        Return another token, if it was this one that the store no longer knows.

        :raises NoKeyring: if the token is good, or there is no other
        """
        answer = self._send("GET", "auth/token/lookup-self", None, token)
        if answer.status_code == _OK:
            raise NoKeyring("the key store does not let us: install the policies of init_keyring")
        if not self._config.role_id:
            raise NoKeyring("the key store no longer knows our token: give us another")
        with self._lock:
            if self._token == token:
                self._token = self._begin()
            return self._token

    def _know(self, token: dict[str, Any]) -> None:
        lives = token.get("lease_duration") or token.get("ttl") or 0
        self._renew_at = monotonic() + lives * RENEW_AT if lives else math.inf

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None, token: str | None
    ) -> httpx.Response:
        if monotonic() < self._down_until:
            raise KeyStoreUnavailable
        headers = {"X-Vault-Token": token} if token else {}
        way = key_server_address.set(self._at)
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError:
            answer = None
        finally:
            key_server_address.reset(way)
        if answer is not None and answer.status_code in {_OK, 204, _REFUSED, _DENIED, _MISSING}:
            return answer
        self._down_until = monotonic() + PAUSE_SECONDS
        # Outside the except block: the client's error holds the request, and that our token.
        raise KeyStoreUnavailable


def _close(client: httpx.Client, process: int) -> None:
    if os.getpid() == process:
        client.close()


def _data(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == _DENIED:
        raise NoKeyring("the key store does not know our token, or does not let us")
    if answer.status_code in {_REFUSED, _MISSING}:
        raise Declined(answer.status_code, " ".join(map(str, _json(answer).get("errors") or ())))
    return _json(answer).get("data") or {} if answer.content else {}


def _member(answer: httpx.Response, name: str) -> dict[str, Any]:
    found = _json(answer).get(name)
    if isinstance(found, dict):
        return found
    raise KeyStoreUnavailable


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    raise KeyStoreUnavailable
