"""Counts of rows that a disconnect or a withdrawal would remove; zero counts are left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from integrations.models import Calendar, DriveFile, Event, Integration, Message, Thread
from limited_use.agreements import shares


def count_by_integration(
    model: type[Message | Thread | Event | DriveFile], integrations: Iterable[Integration]
) -> Mapping[UUID, int]:
    ids = [integration.id for integration in integrations]
    rows = model.objects.filter(integration_id__in=ids).values_list("integration_id")
    return dict(rows.annotate(Count("id")))


def count_events(calendars: Iterable[Calendar]) -> Mapping[UUID, int]:
    rows = Event.objects.filter(calendar_id__in=_get_ids(calendars)).values_list("calendar_id")
    return dict(rows.annotate(Count("id")))


def count_shares(calendars: Iterable[Calendar], *, at: datetime) -> Mapping[UUID, int]:
    """Count live shares only."""
    rows = shares.filter_live(at).filter(item__in=_get_ids(calendars)).values_list("item")
    return dict(rows.annotate(Count("id")))


def _get_ids(calendars: Iterable[Calendar]) -> list[UUID]:
    return [calendar.id for calendar in calendars]
