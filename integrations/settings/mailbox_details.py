"""Data of the details page of a mailbox, from database rows alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from integrations.connections import connectable_products
from integrations.mail.sync import mail_quarantine
from integrations.models import Connection, ConnectionStatus, Reconciliation
from integrations.providers import PROVIDERS

from . import account_overview
from .messages import status, updates
from .product_rows import MailRow

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

#: The choices of how much mail Antares stores: the form's value, and words.
HORIZONS: Final[tuple[tuple[str, StrOrPromise], ...]] = (
    ("30", _("Last 30 days")),
    ("90", _("Last 90 days")),
    ("365", _("Last year")),
    ("all", _("All mail")),
)


@dataclass(frozen=True, slots=True)
class PermissionStatus:
    scope: str
    why: StrOrPromise
    state: StrOrPromise
    tone: str


def list_permissions(connection: Connection) -> list[PermissionStatus]:
    """Return the permissions that live products need, mail first, each with its status."""
    provider = PROVIDERS[connection.provider]
    granted = frozenset(connection.granted_scopes) | provider.unlisted_scopes
    requested = [
        PermissionStatus(permission.scope, permission.reason, _("Granted"), "good")
        if permission.scope in granted
        else PermissionStatus(permission.scope, permission.reason, _("Not granted"), "warn")
        for permission in sorted(
            connectable_products.list_requested_permissions(
                provider, "mail", connection_id=connection.id
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
        for scope in account_overview.list_unused_scopes(connection)
    ]
    return requested + unused


def get_update_source(row: MailRow, *, at: datetime) -> updates.UpdateSource:
    return updates.describe_updates(
        row.progress.watch if row.progress else None,
        label=row.provider,
        interval=row.progress.current_interval if row.progress else None,
        at=at,
    )


def get_horizon(horizon_days: int | None) -> str:
    """Return the form's value."""
    return "all" if horizon_days is None else str(horizon_days)


def list_sync_comparisons(integration_id: UUID) -> list[Reconciliation]:
    """Return the last five, newest first."""
    queryset = Reconciliation.objects.filter(integration_id=integration_id)
    return list(queryset.order_by("-compared_at")[:5])


def list_quarantined(integration_id: UUID) -> list[dict[str, Any]]:
    """Return up to 200 messages, newest first."""
    rows = mail_quarantine.get_unreadable([integration_id]).order_by("-first_seen_at")
    return [
        {
            "first_seen_at": row.first_seen_at,
            "says": status.QUARANTINE_REASONS.get(row.reason, status.UNKNOWN_QUARANTINE_REASON),
            "try_count": row.try_count,
        }
        for row in rows[:200]
    ]
