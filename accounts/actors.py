"""The actor of a request: ids and epochs for the guard and the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from rest_framework.request import Request

from accounts.current_organisation import get_membership
from accounts.models import ServiceToken, User

if TYPE_CHECKING:
    from django.http import HttpRequest


class NoActor(Exception):
    """The request is not signed in, or its client acts for nobody."""


class ActorKind(StrEnum):
    PERSON = "person"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """
    A person, a service client or a system task.

    Staff may have no membership. A client's delegation gives `user_id` and `organisation_id`.
    """

    kind: ActorKind
    id: UUID
    user_id: UUID | None = None
    organisation_id: UUID | None = None
    membership_id: UUID | None = None
    membership_epoch: int | None = None
    delegation_id: UUID | None = None
    delegation_epoch: int | None = None
    feature: str | None = None
    purpose: str | None = None


# The service's own tasks: sync, refresh, purge.
SYSTEM = Actor(kind=ActorKind.SYSTEM, id=UUID(int=0))


def get_actor(request: HttpRequest | Request) -> Actor:
    """:raises NoActor:"""
    if isinstance(request, Request) and isinstance(request.auth, ServiceToken):
        return _make_client_actor(request.auth)
    user = request.user
    if not user.is_authenticated:
        raise NoActor
    membership = get_membership(request)
    return Actor(
        kind=ActorKind.PERSON,
        id=user.pk,
        user_id=user.pk,
        organisation_id=membership.organisation_id if membership else None,
        membership_id=membership.id if membership else None,
        membership_epoch=membership.epoch if membership else None,
    )


def get_platform_id(request: HttpRequest | Request) -> str:
    """
    Return the platform's id of the person who is signed in, or for whom a client acts.

    :raises NoActor:
    """
    user = request.user
    if not isinstance(user, User):
        raise NoActor
    return user.platform_id


def _make_client_actor(token: ServiceToken) -> Actor:
    # `ServiceTokenAuthentication` loaded these rows in one query.
    delegation = token.delegation
    if delegation is None:
        raise NoActor
    return Actor(
        kind=ActorKind.CLIENT,
        id=token.client_id,
        user_id=delegation.user_id,
        organisation_id=delegation.organisation_id,
        delegation_id=token.delegation_id,
        delegation_epoch=token.delegation_epoch,
        feature=token.client.feature,
        purpose=token.purpose,
    )
