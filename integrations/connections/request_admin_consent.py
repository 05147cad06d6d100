from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from integrations.access import scopes
from integrations.access.endpoints import (
    admin_consent_redirect_uri,
    admin_consent_url,
    get_provider_endpoints,
    is_provider_registered,
)
from integrations.providers import admin_consent, get_connectable_provider
from limited_use.policy.feature_registry import FEATURES

from . import admin_consent as approvals
from . import connect_attempts
from .admin_consent import AdminConsentRequest
from .authorize import UnknownProvider


def create_admin_consent_link(
    *,
    actor: Actor,
    provider: str,
    product: str,
    connection_id: UUID | None,
    at: datetime,
) -> str:
    """
    Return a URL with the scopes of all features of `product`, also of those that people allow
    later: an administrator decides once. Show it once: it is not stored.

    :param connection_id: to add the product to, or to renew
    :raises UnknownProvider: also if there is no administrator to ask
    """
    registered_provider, url = get_connectable_provider(provider), admin_consent_url(provider)
    if (
        registered_provider is None
        or not url
        or not is_provider_registered(provider)
        or product not in registered_provider.products
    ):
        raise UnknownProvider
    if actor.user_id is None or actor.organisation_id is None:
        raise UnknownProvider
    request = AdminConsentRequest(
        user_id=actor.user_id,
        organisation_id=actor.organisation_id,
        provider=provider,
        product=product,
        connection_id=connection_id,
    )
    # From now on the page shows the waiting request instead of the attempt.
    connect_attempts.settle_product_attempts(
        user_id=request.user_id,
        organisation_id=request.organisation_id,
        provider=provider,
        product=product,
        at=at,
    )
    return admin_consent.build_admin_consent_url(
        url,
        client_id=get_provider_endpoints(provider).client_id,
        redirect_uri=admin_consent_redirect_uri(),
        scope=admin_consent.format_scopes(
            registered_provider,
            scopes.get_connect_scopes(
                registered_provider,
                product,
                connection_id,
                asked=FEATURES.values(),
            ),
        ),
        state=approvals.create_admin_consent_request(request, at=at),
    )


def record_admin_answer(answer: Mapping[str, Sequence[str]], *, at: datetime) -> None:
    """
    Returns nothing: the caller cannot learn whether a state was valid.

    :param answer: the values of each parameter; its tenant is not read
    """
    is_given = admin_consent.parse_admin_consent(answer)
    if is_given is not None and "state" in answer:
        approvals.record_admin_consent_answer(state=answer["state"][0], is_given=is_given, at=at)
