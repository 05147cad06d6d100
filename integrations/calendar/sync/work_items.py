from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from integrations.models import SyncWork

#: The resource of the work that lists the account's calendars.
LIST_RESOURCE: Final = "calendars"
# A calendar without viewers is not synced again by itself.
PARKED_FOR: Final = timedelta(days=3650)


def get_calendar_work_resource(calendar_id: UUID) -> str:
    return calendar_id.hex


def get_calendar_id(work: SyncWork) -> UUID | None:
    """Return None for the list of calendars."""
    return None if work.resource == LIST_RESOURCE else UUID(hex=work.resource)


def create_calendar_works(
    *, integration_id: UUID, calendar_ids: Iterable[UUID], at: datetime
) -> list[UUID]:
    """Create work that is due at once; return its ids."""
    works = [
        SyncWork(
            integration_id=integration_id,
            resource=get_calendar_work_resource(calendar_id),
            next_sync_at=at,
        )
        for calendar_id in calendar_ids
    ]
    SyncWork.objects.bulk_create(works, ignore_conflicts=True)
    return [work.id for work in works]


def schedule_calendar_works(
    *, integration_id: UUID, resources: Iterable[str], at: datetime
) -> list[UUID]:
    """Make work due now; the caller enqueues the returned ids after the commit."""
    works = SyncWork.objects.filter(integration_id=integration_id, resource__in=list(resources))
    works.filter(next_sync_at__gt=at).update(next_sync_at=at)
    return list(works.values_list("id", flat=True))
