"""
HTTP client of OpenBao or Vault: pooled, with short timeouts, renewing its token.

A response could contain a key, so exceptions carry no body, header or cause.
"""

from __future__ import annotations

import math
import os
import ssl
import weakref
from threading import Lock, get_ident
from time import monotonic
from typing import Any, Final

import httpx

from .keyring_port import KeyringConfig, KeyStoreUnavailable, NoKeyring, key_server_address

# A person may be waiting for the page.
TIMEOUT: Final = httpx.Timeout(2.0, connect=1.0)
# A token is renewed when this share of its life is left.
RENEW_AT: Final = 0.5
_OK, _BAD_REQUEST, _DENIED, _MISSING = 200, 400, 403, 404
_HTTPS: Final = 443


class TransitRequestDeclined(Exception):
    """The store declined the request. Compare `reason`, the store's own text; never show it."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status)
        self.status = status
        self.reason = reason


class TransitClient:
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
        # At exit as well, but only in the process that opened it: a forked worker owns no sockets.
        weakref.finalize(self, _close_client, self._client, os.getpid())
        self._address = (self._client.base_url.host, self._client.base_url.port or _HTTPS)
        self._lock = Lock()
        self._token = ""
        self._renew_at = math.inf
        # After a failure, one caller at a time tries the store again; the others fail at once,
        # instead of waiting in line.
        self._is_down = False
        self._answered_at = -math.inf
        self._trial = Lock()
        self._trial_thread = 0

    def call_api(
        self, method: str, path: str, body: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """
        Return the response's `data`, possibly empty.

        :raises KeyStoreUnavailable: if the store is sealed, down, slow or overloaded
        :raises NoKeyring: if the store denies access
        :raises TransitRequestDeclined:
        """
        if not self._is_down:
            return self._call_with_token(method, path, body)
        if not self._trial.acquire(blocking=False):
            raise KeyStoreUnavailable
        try:
            self._trial_thread = get_ident()
            return self._call_with_token(method, path, body)
        finally:
            self._trial_thread = 0
            self._trial.release()

    def _call_with_token(
        self, method: str, path: str, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        token = self._get_token()
        answer = self._send_request(method, path, body, token)
        if answer.status_code == _DENIED:
            token = self._replace_denied_token(token)
            answer = self._send_request(method, path, body, token)
        return _read_data(answer)

    def _get_token(self) -> str:
        with self._lock:
            if not self._token:
                self._token = self._obtain_token()
            elif monotonic() >= self._renew_at:
                self._renew_token(self._token)
            return self._token

    def _obtain_token(self) -> str:
        config = self._config
        if not config.role_id:
            self._schedule_renewal(
                _read_data(self._send_request("GET", "auth/token/lookup-self", None, config.token))
            )
            return config.token
        answer = self._send_request(
            "POST",
            "auth/approle/login",
            {"role_id": config.role_id, "secret_id": config.secret_id},
            None,
        )
        if answer.status_code in {_BAD_REQUEST, _DENIED}:
            raise NoKeyring("the key store does not know our role: check the two ids")
        auth = _read_member(answer, "auth")
        self._schedule_renewal(auth)
        return str(auth["client_token"])

    def _renew_token(self, token: str) -> None:
        answer = self._send_request("POST", "auth/token/renew-self", {}, token)
        if answer.status_code == _OK:
            self._schedule_renewal(_read_member(answer, "auth"))
        elif self._config.role_id:
            self._token = self._obtain_token()
        else:
            # The token cannot be renewed. It is used until it expires; then the refusal says why.
            self._renew_at = math.inf

    def _replace_denied_token(self, token: str) -> str:
        """
        Return a new token if the store no longer knows this one.

        :raises NoKeyring:
        """
        answer = self._send_request("GET", "auth/token/lookup-self", None, token)
        if answer.status_code == _OK:
            raise NoKeyring("the key store does not let us: install the policies of init_keyring")
        if not self._config.role_id:
            raise NoKeyring("the key store no longer knows our token: give us another")
        with self._lock:
            if self._token == token:
                self._token = self._obtain_token()
            return self._token

    def _schedule_renewal(self, token: dict[str, Any]) -> None:
        ttl = token.get("lease_duration") or token.get("ttl") or 0
        self._renew_at = monotonic() + ttl * RENEW_AT if ttl else math.inf

    def _send_request(
        self, method: str, path: str, body: dict[str, Any] | None, token: str | None
    ) -> httpx.Response:
        if self._is_down and self._trial_thread != get_ident():
            raise KeyStoreUnavailable
        started_at = monotonic()
        headers = {"X-Vault-Token": token} if token else {}
        context_token = key_server_address.set(self._address)
        try:
            answer = self._client.request(method, path, json=body, headers=headers)
        except httpx.HTTPError:
            answer = None
        finally:
            key_server_address.reset(context_token)
        if answer is not None and answer.status_code in {_OK, 204, _BAD_REQUEST, _DENIED, _MISSING}:
            self._is_down, self._answered_at = False, monotonic()
            return answer
        # A call that began before another one was answered says nothing new.
        self._is_down = self._is_down or self._answered_at < started_at
        # Outside the except block: the client's error contains our token.
        raise KeyStoreUnavailable


def _close_client(client: httpx.Client, process_id: int) -> None:
    if os.getpid() == process_id:
        client.close()


def _read_data(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code == _DENIED:
        raise NoKeyring("the key store does not know our token, or does not let us")
    if answer.status_code in {_BAD_REQUEST, _MISSING}:
        raise TransitRequestDeclined(
            answer.status_code, " ".join(map(str, _parse_json(answer).get("errors") or ()))
        )
    return _parse_json(answer).get("data") or {} if answer.content else {}


def _read_member(answer: httpx.Response, name: str) -> dict[str, Any]:
    member = _parse_json(answer).get(name)
    if isinstance(member, dict):
        return member
    raise KeyStoreUnavailable


def _parse_json(answer: httpx.Response) -> dict[str, Any]:
    try:
        parsed = answer.json()
    except ValueError:
        parsed = None
    if isinstance(parsed, dict):
        return parsed
    raise KeyStoreUnavailable
