"""Who sends generated requests, and how: through the WSGI application, undone after each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from schemathesis import Case, Response

from accounts import api_tokens, delegations
from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from accounts.models import ServiceClient, User
from config.process_classes import ProcessClass
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy.feature_registry import FEATURES
from tests.api import cast
from tests.api.conftest import open_test_transaction
from tests.api.generated.world import GeneratedRequestsWorld
from tests.walls import acting_as

_TOKEN = "0123456789abcdefghijklmnopqrstuv"


@dataclass(frozen=True)
class Caller:
    """What a caller sends with every request."""

    headers: dict[str, str]
    cookies: dict[str, str] = field(default_factory=dict)


def make_application() -> Callable[..., Iterable[bytes]]:
    """Return the service's WSGI application, with the database rights of a web process."""
    inner = get_wsgi_application()

    def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with _keep_connection(), acting_as(ProcessClass.WEB):
            answer = inner(environ, start_response)
            try:
                # Streams are read with these rights as well.
                return [b"".join(answer)]
            finally:
                answer.close()

    return application


def sign_in(user: User) -> Caller:
    """Return a browser with the person's session."""
    session = cast.browser(user).cookies[settings.SESSION_COOKIE_NAME].value
    cookies = {settings.SESSION_COOKIE_NAME: session, settings.CSRF_COOKIE_NAME: _TOKEN}
    return Caller({"X-CSRFToken": _TOKEN}, cookies)


def switch_on_feature(world: GeneratedRequestsWorld, feature: str, purpose: str) -> Caller:
    """Return a platform feature that the person switched on."""
    client = create_declared_client(
        feature=feature, purposes=[purpose], jwks=cast.KEYS, at=world.at
    )
    return switch_on_client(world, client, purpose)


def switch_on_client(world: GeneratedRequestsWorld, client: ServiceClient, purpose: str) -> Caller:
    """Return a client that the person switched on."""
    delegation = delegations.switch_delegation_on(
        user_id=world.alice.id,
        organisation_id=world.organisation.id,
        feature=client.feature,
        feature_version=FEATURES[client.feature].version,
        at=world.at,
    )
    token = api_tokens.issue_access_token(
        client=client, delegation_id=delegation.id, purpose=purpose, at=world.at
    )
    return Caller({"Authorization": f"Bearer {token}"})


def sign_in_client(client: ServiceClient, *, at: datetime) -> Caller:
    """Return a client with its own token, which stands for no person."""
    token = api_tokens.issue_client_token(client=client, at=at)
    return Caller({"Authorization": f"Bearer {token}"})


def choose_caller(case: Case, *, person: Caller, own: Caller) -> Caller:
    """Return the client for operations about its own matters, and the person for all others."""
    return own if case.operation.definition.raw["x-client"] else person


def make_client_actor(*, feature: str, purpose: str) -> Actor:
    """Return the actor of a token, which no row is behind."""
    return Actor(kind=ActorKind.CLIENT, id=uuid7(), feature=feature, purpose=purpose)


def send_case(case: Case, caller: Caller) -> Response:
    """Return the answer to `case`. What it changed in the database is undone."""
    with open_test_transaction():
        return case.call(headers=caller.headers, cookies=caller.cookies)


@contextmanager
def _keep_connection() -> Iterator[None]:
    """Keep the connection of the test open between requests, as Django's test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in signals:
            signal.connect(close_old_connections)
