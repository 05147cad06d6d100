"""Begin a connect: record the click's consent, and build the provider's consent URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from integrations.access import permits, scopes
from integrations.access.endpoints import (
    get_provider_endpoints,
    is_provider_registered,
    redirect_uri,
)
from integrations.access.fences import NotConnectedError
from integrations.grants import access_tokens
from integrations.models import Connection, ConnectionStatus
from integrations.providers import get_connectable_provider, oauth_client
from limited_use.agreements.consents import ConsentMissing
from limited_use.sinks import provider_sink as own_provider

from . import oauth_state
from .oauth_state import ConnectRequest


class UnknownProvider(Exception):
    """No such provider or product can be connected. Show those that can."""


def begin_connect(  # noqa: PLR0913
    *,
    actor: Actor,
    provider: str,
    product: str,
    agreed_versions: Mapping[str, int],
    session_key: str,
    at: datetime,
    connection_id: UUID | None = None,
    asked_feature: str = "",
) -> str:
    """
    Return the URL of the provider's consent page.

    :param agreed_versions: of each feature's declaration, by the click
    :param session_key: of the browser that must return the state
    :param connection_id: to renew, on a reconnect
    :param asked_feature: asked for in context: the click agrees to it alone
    :raises UnknownProvider, NotConnectedError:
    :raises ConsentMissing: if the click agreed to another version than the declared one
    """
    registered_provider = get_connectable_provider(provider)
    features = (
        scopes.find_feature_in_context(product, asked_feature)
        if asked_feature
        else scopes.features_for(product)
    )
    if (
        registered_provider is None
        or not features
        or actor.user_id is None
        or actor.organisation_id is None
    ):
        raise UnknownProvider
    if product not in registered_provider.products or not is_provider_registered(provider):
        raise UnknownProvider
    if asked_feature and connection_id is None:
        raise NotConnectedError
    declared_versions = {feature.key: feature.version for feature in features}
    if dict(agreed_versions) != declared_versions:
        raise ConsentMissing(product)
    hint = (
        _ReconnectHint()
        if connection_id is None
        else _get_reconnect_hint(connection_id, actor, provider, at)
    )
    requested_scopes = scopes.get_connect_scopes(
        registered_provider, product, connection_id, asked=features if asked_feature else ()
    )
    _, state = oauth_state.create_oauth_state(
        ConnectRequest(
            user_id=actor.user_id,
            organisation_id=actor.organisation_id,
            provider=provider,
            product=product,
            asked_scopes=sorted(requested_scopes),
            feature_versions=declared_versions,
            connection_id=connection_id,
        ),
        session_key=session_key,
        at=at,
    )
    return oauth_client.authorize_url(
        registered_provider,
        get_provider_endpoints(provider),
        redirect_uri=redirect_uri(provider),
        scopes=requested_scopes,
        state=state,
        nonce=oauth_state.derive_nonce(state),
        code_verifier=oauth_state.derive_verifier(state),
        login_hint=hint.login_hint,
        claims=hint.claims,
    )


@dataclass(frozen=True, slots=True)
class _ReconnectHint:
    """
    :param login_hint: the address to preselect
    :param claims: that the provider required when it ended the grant
    """

    login_hint: str = ""
    claims: str = ""


def _get_reconnect_hint(
    connection_id: UUID, actor: Actor, provider: str, at: datetime
) -> _ReconnectHint:
    if actor.user_id is None or actor.organisation_id is None:
        raise NotConnectedError
    own_connections = Connection.objects.owned_by(actor.user_id, actor.organisation_id)
    connection = own_connections.filter(
        id=connection_id,
        provider=provider,
        status__in=[ConnectionStatus.ACTIVE, ConnectionStatus.REAUTH_REQUIRED],
    ).first()
    if connection is None:
        raise NotConnectedError
    if connection.email is None:
        return _ReconnectHint()
    permit = permits.for_login_hint(actor=actor, connection_id=connection_id, at=at)
    access = access_tokens.get_provider_access(connection_id=connection_id)
    opened_values = [
        "" if sealed is None else own_provider.open_text(sealed, permit, to=access, at=at)
        for sealed in (connection.email, connection.wanted_claims)
    ]
    return _ReconnectHint(*opened_values)
