"""Which permissions of a connection were granted, and what each is for."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from integrations.access import scopes
from integrations.models import Connection, ConnectionStatus
from integrations.providers import PROVIDERS

from . import requested_permissions

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class PermissionStatus:
    scope: str
    why: StrOrPromise
    state: StrOrPromise
    tone: str


def list_permissions(
    connection: Connection, products: Collection[str], *, includes_in_context: bool = False
) -> list[PermissionStatus]:
    """
    Return the permissions that the products need, mail first, then unused ones.

    :param includes_in_context: also those of features that are asked for when they are first used,
        if the owner uses them
    """
    provider = PROVIDERS[connection.provider]
    granted = frozenset(connection.granted_scopes) | provider.unlisted_scopes
    features = [
        feature
        for product in products
        for feature in scopes.list_features_in_use(provider, product, connection)
    ]
    requested = [
        PermissionStatus(permission.scope, permission.reason, _("Granted"), "good")
        if permission.scope in granted
        else PermissionStatus(permission.scope, permission.reason, _("Not granted"), "warn")
        for permission in sorted(
            requested_permissions.list_requested_scopes(
                provider, products, features=features if includes_in_context else None
            ),
            key=lambda permission: (
                permission.scope in provider.identity_scopes,
                "mail" not in permission.products,
            ),
        )
    ]
    if connection.status == ConnectionStatus.REAUTH_REQUIRED:
        # The stored scopes are those of the grant that ended.
        return [replace(each, state=_("Access ended"), tone="bad") for each in requested]
    unused = [
        PermissionStatus(scope, _("Antares does not use it."), _("Granted, unused"), "info")
        for scope in list_unused_scopes(connection)
    ]
    return requested + unused


def list_unused_scopes(connection: Connection) -> tuple[str, ...]:
    """Return the granted scopes that no live product of the connection needs."""
    grant = scopes.compare_connection_scopes(PROVIDERS[connection.provider], connection)
    # A connection without products was made for mail: its scopes count as used.
    mail = scopes.get_product_scopes(PROVIDERS[connection.provider], "mail")
    return tuple(sorted(grant.unused - mail))
