"""
The demo's people and service clients.

The `campaigns` client has a purpose that its feature never declared and that registration would
refuse. The demo shows the guard's answer to a manipulated table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from joserfc.jwk import ECKey

from accounts import clients, delegations, demo_people
from accounts.demo_people import DemoPerson
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class SeededClient:
    """:param redirect_uri: where the feature's program of the demo listens; empty: it has none"""

    client_id: str
    feature: str
    purpose: str
    private_jwk: Mapping[str, Any]
    redirect_uri: str = ""
    delegation_id: str | None = None


#: Features with a declared purpose, and the ports of their programs (`config.embedded.programs`).
_CLIENTS: Final[Mapping[str, tuple[Purpose, int | None]]] = {
    "inbox-widget": (Purpose.INBOX_DISPLAY, 8201),
    "scheduler": (Purpose.CALENDAR_SCHEDULE, 8202),
    "reply-assistant": (Purpose.DRAFT_PROPOSE, None),
    "recordings": (Purpose.DRIVE_UPLOAD, None),
}
_CAMPAIGNS_PORT: Final = 8203


def seed_people_and_clients(*, at: datetime) -> tuple[list[DemoPerson], list[SeededClient]]:
    """
    Return the secrets for the person at the terminal.

    :raises accounts.user_provisioning.UserExists: if the demo data exists; nothing is changed
    """
    people = demo_people.create_demo_people(at=at)
    declared = [
        _seed_declared_client(feature, purpose, port, at=at)
        for feature, (purpose, port) in _CLIENTS.items()
    ]
    return people, [*declared, _seed_campaigns(people[0], at=at)]


def _seed_declared_client(
    feature: str, purpose: Purpose, port: int | None, *, at: datetime
) -> SeededClient:
    key = _generate_key(feature)
    redirect_uri = _build_redirect_uri(port) if port is not None else ""
    create_declared_client(
        feature=feature,
        purposes=[purpose],
        jwks=_get_public_jwks(key),
        redirect_uris=[redirect_uri] if redirect_uri else [],
        at=at,
    )
    return SeededClient(feature, feature, purpose, _get_private_jwk(key), redirect_uri)


def _seed_campaigns(person: DemoPerson, *, at: datetime) -> SeededClient:
    """Write what registration refuses, as somebody with access to the tables could."""
    feature = "campaigns"
    key = _generate_key(feature)
    redirect_uri = _build_redirect_uri(_CAMPAIGNS_PORT)
    clients.create_service_client(
        client_id=feature,
        feature=feature,
        purposes=[Purpose.MARKETING],
        jwks=_get_public_jwks(key),
        redirect_uris=[redirect_uri],
        at=at,
    )
    delegation = delegations.switch_delegation_on(
        user_id=person.user.id,
        organisation_id=person.organisation.id,
        feature=feature,
        feature_version=FEATURES[feature].version,
        at=at,
    )
    return SeededClient(
        feature,
        feature,
        Purpose.MARKETING,
        _get_private_jwk(key),
        redirect_uri,
        str(delegation.id),
    )


def _build_redirect_uri(port: int) -> str:
    # Browsers share the cookies of a host among its ports: this service is at localhost.
    return f"http://127.0.0.1:{port}/callback"


def _generate_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", parameters={"kid": f"{name}-1"})


def _get_public_jwks(key: ECKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False)]}


def _get_private_jwk(key: ECKey) -> dict[str, Any]:
    return dict(key.as_dict(private=True))
