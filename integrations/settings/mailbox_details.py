"""Data of the details page of a mailbox, from database rows alone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from integrations.connections import status_messages, update_messages
from integrations.mail.sync import mail_quarantine
from integrations.models import Reconciliation

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


def get_update_source(row: MailRow, *, at: datetime) -> update_messages.UpdateSource:
    return update_messages.describe_updates(
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
            "says": status_messages.get_quarantine_reason(row.reason),
            "try_count": row.try_count,
        }
        for row in rows[:200]
    ]
