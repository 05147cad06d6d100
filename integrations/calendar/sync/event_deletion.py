"""Delete events, and tell the features that read their calendar."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from integrations.models import Calendar, Event, RemovalReason
from integrations.purge import feature_removals


def delete_events(calendar: Calendar, blinds: Iterable[bytes], *, at: datetime) -> None:
    """
    Delete events that the provider, or the owner of a local calendar, deleted. A series is deleted
    with all its exceptions.
    """
    blind_list = list(blinds)
    rows = Event.objects.filter(calendar_id=calendar.id).filter(
        Q(remote_blind__in=blind_list) | Q(series_blind__in=blind_list)
    )
    delete_event_rows(
        rows,
        integration_id=calendar.integration_id,
        reason=RemovalReason.DELETED_AT_PROVIDER,
        at=at,
    )


def delete_event_rows(
    rows: QuerySet[Event], *, integration_id: UUID, reason: RemovalReason, at: datetime
) -> int:
    """
    Return the number of deleted events.

    :param rows: of one integration, which the caller has locked
    """
    # Evaluated before the deletion, and only if a feature read the integration.
    feature_removals.issue_item_removals(
        integration_id=integration_id,
        item_ids=rows.values_list("id", flat=True),
        reason=reason,
        at=at,
    )
    return rows.delete()[0]
