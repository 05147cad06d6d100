"""Begin a connect: what was agreed to is written down, and the person goes to the consent page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from integrations.access import permits, scopes
from integrations.access.endpoints import endpoints, is_registered, redirect_uri
from integrations.access.fences import NotConnected
from integrations.grants import access_tokens
from integrations.models import Connection, ConnectionStatus
from integrations.providers import granting, oauth
from limited_use.agreements.consents import NotAgreed
from limited_use.sinks import provider as own_provider

from . import oauth_state
from .oauth_state import Journey


class UnknownProvider(Exception):
    """There is nothing of that name to connect. Show what there is."""


def begin(  # noqa: PLR0913
    *,
    actor: Actor,
    provider: str,
    product: str,
    agreed: Mapping[str, int],
    session_key: str,
    at: datetime,
    connection_id: UUID | None = None,
) -> str:
    """
    Record that a connect begins, and return the address of the provider's consent page.

    :param agreed: the version of each feature's declaration that the click agreed to
    :param session_key: the browser session that must bring the answer back
    :param connection_id: on a reconnect, the connection that is meant
    :raises UnknownProvider: if there is no such provider, or it has no such product
    :raises NotAgreed: if they agreed to another version than the declared one
    :raises NotConnected: if the connection to renew has ended, or has another owner
    """
    known = granting(provider)
    features = scopes.features_for(product)
    if known is None or not features or actor.user_id is None or actor.organisation_id is None:
        raise UnknownProvider
    if product not in known.products or not is_registered(provider):
        raise UnknownProvider
    declared = {feature.key: feature.version for feature in features}
    if dict(agreed) != declared:
        raise NotAgreed(product)
    renewed = _Renewed() if connection_id is None else _renewed(connection_id, actor, provider, at)
    wanted = scopes.asked_with(known, product, connection_id)
    _, state = oauth_state.begin(
        Journey(
            user_id=actor.user_id,
            organisation_id=actor.organisation_id,
            provider=provider,
            product=product,
            asked_scopes=sorted(wanted),
            feature_versions=declared,
            connection_id=connection_id,
        ),
        session_key=session_key,
        at=at,
    )
    return oauth.authorize_url(
        known,
        endpoints(provider),
        redirect_uri=redirect_uri(provider),
        scopes=wanted,
        state=state,
        nonce=oauth_state.nonce(state),
        code_verifier=oauth_state.verifier(state),
        login_hint=renewed.hint,
        claims=renewed.claims,
    )


@dataclass(frozen=True, slots=True)
class _Renewed:
    """
    What the consent page is told of the account that is meant: it came from that provider.

    :param hint: the address to preselect
    :param claims: what the person has to meet, where the provider said so
    """

    hint: str = ""
    claims: str = ""


def _renewed(connection_id: UUID, actor: Actor, provider: str, at: datetime) -> _Renewed:
    if actor.user_id is None or actor.organisation_id is None:
        raise NotConnected
    live = Connection.objects.owned_by(actor.user_id, actor.organisation_id)
    theirs = live.filter(
        id=connection_id,
        provider=provider,
        status__in=[ConnectionStatus.ACTIVE, ConnectionStatus.REAUTH_REQUIRED],
    ).first()
    if theirs is None:
        raise NotConnected
    if theirs.email is None:
        return _Renewed()
    permit = permits.to_hint(actor=actor, connection_id=connection_id, at=at)
    access = access_tokens.access(connection_id=connection_id)
    told = [
        "" if sealed is None else own_provider.text(sealed, permit, to=access, at=at)
        for sealed in (theirs.email, theirs.wanted_claims)
    ]
    return _Renewed(*told)
