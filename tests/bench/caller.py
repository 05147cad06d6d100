"""A person's browser or a feature's client, without a network: the WSGI application is called."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from django.utils import timezone

from accounts import api_tokens, delegations
from accounts.models import Organisation, User
from config.front.call_stack import call_with_stack_room
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy import feature_registry

APPLICATION = WSGIHandler()


class Caller:
    """Every middleware, sign-in, URLs and signals, as behind a web server; no socket."""

    def __init__(self, **headers: str) -> None:
        self._headers = headers

    def get(self, path: str, query: str = "") -> bytes:
        """
        Return the answer's body.

        :raises AssertionError: unless the status is 200
        """
        said: list[str] = []
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(),
            **self._headers,
        }
        # As a thread of the web server calls it.
        answer = call_with_stack_room(APPLICATION, environ, lambda status, *_: said.append(status))
        try:
            body = b"".join(answer)
        finally:
            answer.close()
        if not said[0].startswith("200"):
            raise AssertionError(f"{path}: {said[0]} {body[:300]!r}")
        return body


def signed_in(user: User) -> Caller:
    """Return a browser of `user`, with a session of the service's own kind."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return Caller(HTTP_COOKIE=f"{name}={client.cookies[name].value}")


def feature_of(user: User, organisation: Organisation) -> Caller:
    """Return a platform feature that `user` switched on, with a token for their inbox."""
    at = timezone.now()
    client = create_declared_client(
        feature="inbox-widget", purposes=["inbox.display"], jwks=_keys(), at=at
    )
    delegation = delegations.switch_delegation_on(
        user_id=user.id,
        organisation_id=organisation.id,
        feature="inbox-widget",
        feature_version=feature_registry.FEATURES["inbox-widget"].version,
        at=at,
    )
    token = api_tokens.issue_access_token(
        client=client, delegation_id=delegation.id, purpose="inbox.display", at=at
    )
    return Caller(HTTP_AUTHORIZATION=f"Bearer {token}")


def _keys() -> dict[str, Any]:
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", parameters={"kid": "bench"})
    return {"keys": [key.as_dict(private=False)]}
