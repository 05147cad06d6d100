"""
The demo's people and service clients.

The `campaigns` client has a purpose that its feature never declared and that registration would
refuse. The demo shows the guard's answer to a manipulated table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey

from accounts import clients, delegations, demo_people
from accounts.demo_people import DemoPerson
from limited_use.agreements.service_clients import create_declared_client
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class SeededClient:
    client_id: str
    feature: str
    purpose: str
    private_jwk: Mapping[str, Any]
    delegation_id: str | None = None


def seed_people_and_clients(*, at: datetime) -> tuple[list[DemoPerson], list[SeededClient]]:
    """
    Return the secrets for the person at the terminal.

    :raises accounts.user_provisioning.UserExists: if the demo data exists; nothing is changed
    """
    people = demo_people.create_demo_people(at=at)
    alice = people[0]
    widget = _generate_key("inbox-widget")
    create_declared_client(
        client_id="inbox-widget",
        feature="inbox-widget",
        purposes=[Purpose.INBOX_DISPLAY],
        jwks=_get_public_jwks(widget),
        at=at,
    )
    assistant = _generate_key("reply-assistant")
    create_declared_client(
        client_id="reply-assistant",
        feature="reply-assistant",
        purposes=[Purpose.DRAFT_PROPOSE],
        jwks=_get_public_jwks(assistant),
        at=at,
    )
    recordings = _generate_key("recordings")
    create_declared_client(
        client_id="recordings",
        feature="recordings",
        purposes=[Purpose.DRIVE_UPLOAD],
        jwks=_get_public_jwks(recordings),
        at=at,
    )
    campaigns = _generate_key("campaigns")
    clients.create_service_client(
        client_id="campaigns",
        feature="campaigns",
        purposes=[Purpose.MARKETING],
        jwks=_get_public_jwks(campaigns),
        at=at,
    )
    delegation = delegations.switch_delegation_on(
        user_id=alice.user.id,
        organisation_id=alice.organisation.id,
        feature="campaigns",
        feature_version=FEATURES["campaigns"].version,
        at=at,
    )
    return people, [
        SeededClient(
            "inbox-widget", "inbox-widget", Purpose.INBOX_DISPLAY, _get_private_jwk(widget)
        ),
        SeededClient(
            "reply-assistant",
            "reply-assistant",
            Purpose.DRAFT_PROPOSE,
            _get_private_jwk(assistant),
        ),
        SeededClient(
            "recordings", "recordings", Purpose.DRIVE_UPLOAD, _get_private_jwk(recordings)
        ),
        SeededClient(
            "campaigns",
            "campaigns",
            Purpose.MARKETING,
            _get_private_jwk(campaigns),
            str(delegation.id),
        ),
    ]


def _generate_key(name: str) -> ECKey:
    return ECKey.generate_key("P-256", parameters={"kid": f"{name}-1"})


def _get_public_jwks(key: ECKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False)]}


def _get_private_jwk(key: ECKey) -> dict[str, Any]:
    return dict(key.as_dict(private=True))
