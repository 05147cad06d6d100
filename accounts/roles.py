"""
Roles and their permissions: one table, read in one place.

Member is what everyone is. Support, reviewer and operator are staff: they act
on what is not their own, so they can do nothing at all without a second factor
(CASA 3.3.1), not even what a member can.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class Role(models.TextChoices):
    MEMBER = "member"
    SUPPORT = "support"
    REVIEWER = "reviewer"
    OPERATOR = "operator"


class Permission(StrEnum):
    """An action that a role allows. The guard decides on which data."""

    # Read and change what is one's own: inbox, settings, connections.
    USE_OWN = "own.use"
    # See states and ages of anyone's connections, never content.
    VIEW_CONNECTIONS = "connections.view"
    # Disconnect on behalf of an owner who cannot.
    REVOKE_CONNECTIONS = "connections.revoke"
    # Read single messages that their owners opened to support, while those are open.
    READ_OPENED_ITEMS = "items.read_opened"
    # Read the evidence bundle and the ledger.
    READ_EVIDENCE = "evidence.read"
    # Register, rotate and retire service clients.
    MANAGE_CLIENTS = "clients.manage"
    # Provision and deactivate people and organisations.
    MANAGE_PEOPLE = "people.manage"
    # See queues, overdue promises and alarms.
    VIEW_OPERATIONS = "operations.view"


STAFF = frozenset({Role.SUPPORT, Role.REVIEWER, Role.OPERATOR})

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.MEMBER: frozenset({Permission.USE_OWN}),
    Role.SUPPORT: frozenset(
        {
            Permission.USE_OWN,
            Permission.VIEW_CONNECTIONS,
            Permission.REVOKE_CONNECTIONS,
            Permission.READ_OPENED_ITEMS,
        }
    ),
    Role.REVIEWER: frozenset({Permission.USE_OWN, Permission.READ_EVIDENCE}),
    Role.OPERATOR: frozenset(
        {
            Permission.USE_OWN,
            Permission.MANAGE_CLIENTS,
            Permission.MANAGE_PEOPLE,
            Permission.VIEW_OPERATIONS,
        }
    ),
}


def get_permissions(*, role: str, mfa: bool) -> frozenset[Permission]:
    """
    Return what `role` may do in a session with or without a second factor.

    An unknown role may do nothing.
    """
    if role not in PERMISSIONS:
        return frozenset()
    known = Role(role)
    if known in STAFF and not mfa:
        return frozenset()
    return PERMISSIONS[known]


def is_staff(user: User | AnonymousUser) -> bool:
    return getattr(user, "role", None) in STAFF


def has_permission(user: User | AnonymousUser, permission: Permission, *, mfa: bool) -> bool:
    """Return whether `user` may, in a session with (`mfa`) or without a second factor."""
    if not user.is_authenticated or not user.is_active:
        return False
    return permission in get_permissions(role=user.role, mfa=mfa)
