"""
The table of roles and their permissions.

Staff (support, reviewer, operator) act on data of others, so they may do nothing without a second
factor (CASA 3.3.1).
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


class RolePermission(StrEnum):
    """An action that a role allows. The guard decides on which data."""

    # Read and change one's own data: inbox, settings, connections.
    USE_OWN = "own.use"
    # See states and ages of all connections, never content.
    VIEW_CONNECTIONS = "connections.view"
    # Disconnect for an owner who cannot.
    REVOKE_CONNECTIONS = "connections.revoke"
    # Decide about the disconnect of many that another member of staff proposed, and stop it.
    APPROVE_BULK = "connections.approve_bulk"
    # Read single messages while their owners open them to support.
    READ_OPENED_ITEMS = "items.read_opened"
    # Read the evidence bundle and the ledger.
    READ_EVIDENCE = "evidence.read"
    # Register, rotate and retire service clients.
    MANAGE_CLIENTS = "clients.manage"
    # Provision and deactivate people and organisations.
    MANAGE_PEOPLE = "people.manage"
    # See queues, overdue promises and alarms.
    VIEW_OPERATIONS = "operations.view"
    # Settle alarms, with a reason.
    SETTLE_ALARMS = "alarms.settle"


STAFF = frozenset({Role.SUPPORT, Role.REVIEWER, Role.OPERATOR})

PERMISSIONS: Mapping[Role, frozenset[RolePermission]] = {
    Role.MEMBER: frozenset({RolePermission.USE_OWN}),
    Role.SUPPORT: frozenset(
        {
            RolePermission.USE_OWN,
            RolePermission.VIEW_CONNECTIONS,
            RolePermission.REVOKE_CONNECTIONS,
            RolePermission.APPROVE_BULK,
            RolePermission.READ_OPENED_ITEMS,
        }
    ),
    Role.REVIEWER: frozenset({RolePermission.USE_OWN, RolePermission.READ_EVIDENCE}),
    Role.OPERATOR: frozenset(
        {
            RolePermission.USE_OWN,
            RolePermission.MANAGE_CLIENTS,
            RolePermission.MANAGE_PEOPLE,
            RolePermission.VIEW_OPERATIONS,
            RolePermission.SETTLE_ALARMS,
            RolePermission.APPROVE_BULK,
        }
    ),
}


def get_role_permissions(*, role: str, mfa: bool) -> frozenset[RolePermission]:
    """
    Return the permissions of `role`; none for an unknown role.

    :param mfa: whether the session has a second factor
    """
    if role not in PERMISSIONS:
        return frozenset()
    known = Role(role)
    if known in STAFF and not mfa:
        return frozenset()
    return PERMISSIONS[known]


def has_staff_role(user: User | AnonymousUser) -> bool:
    return getattr(user, "role", None) in STAFF


def has_role_permission(
    user: User | AnonymousUser, permission: RolePermission, *, mfa: bool
) -> bool:
    if not user.is_authenticated or not user.is_active:
        return False
    return permission in get_role_permissions(role=user.role, mfa=mfa)
