"""The cast of accounts: alice owns, mallory is a stranger, sam is staff."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts import clients, delegations, memberships, organisations
from accounts.models import Delegation, Organisation, ServiceClient, User
from accounts.roles import Role
from tests.accounts.cast import AT, EC, RSA, Asking, person
from tests.broker import workers
from tests.walls import requests_act_as_web

__all__ = ["requests_act_as_web", "workers"]


@pytest.fixture
def antares(db) -> Organisation:
    return organisations.found_organisation(
        platform_id="antares", name="Antares", at=AT - timedelta(days=40)
    )


@pytest.fixture
def elsewhere(db) -> Organisation:
    return organisations.found_organisation(
        platform_id="elsewhere", name="Elsewhere", at=AT - timedelta(days=40)
    )


@pytest.fixture
def alice(antares) -> User:
    user = person("alice")
    memberships.add_member(user_id=user.id, organisation_id=antares.id, at=AT - timedelta(days=20))
    return user


@pytest.fixture
def mallory(elsewhere) -> User:
    user = person("mallory")
    memberships.add_member(
        user_id=user.id, organisation_id=elsewhere.id, at=AT - timedelta(days=20)
    )
    return user


@pytest.fixture
def sam(db) -> User:
    return person("sam", Role.SUPPORT)


@pytest.fixture
def delegation(alice, antares) -> Delegation:
    return delegations.switch_delegation_on(
        user_id=alice.id,
        organisation_id=antares.id,
        feature="inbox-widget",
        feature_version=1,
        at=AT - timedelta(days=10),
    )


@pytest.fixture
def widget(db) -> ServiceClient:
    return clients.create_service_client(
        client_id="widget",
        feature="inbox-widget",
        purposes=["inbox.display"],
        jwks={"keys": [RSA.as_dict(private=False), EC.as_dict(private=False)]},
        at=AT - timedelta(days=10),
    )


@pytest.fixture
def asking(widget, delegation) -> Asking:
    return Asking(delegation)


@pytest.fixture(autouse=True)
def _as_web(requests_act_as_web):
    """Pages of accounts are answered with the rights of a web process."""
