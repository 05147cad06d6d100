"""How many rows a page is about to end: messages, conversations, events and shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db.models import Count

from integrations.calendars.visible import Visible
from integrations.models import Event, Integration, Message, Thread
from limited_use import shares


def count_by_integration(
    model: type[Message | Thread | Event], integrations: Iterable[Integration]
) -> Mapping[UUID, int]:
    """Return how many rows of `model` are kept, by integration; without those that have none."""
    ids = [integration.id for integration in integrations]
    rows = model.objects.filter(integration_id__in=ids).values_list("integration_id")
    return dict(rows.annotate(Count("id")))


def count_events(calendars: Iterable[Visible]) -> Mapping[UUID, int]:
    """Return how many events are kept, by calendar; without those that have none."""
    rows = Event.objects.filter(calendar_id__in=_ids(calendars)).values_list("calendar_id")
    return dict(rows.annotate(Count("id")))


def count_shares(calendars: Iterable[Visible], *, at: datetime) -> Mapping[UUID, int]:
    """Return how many live shares there are, by calendar; without those that have none."""
    rows = shares.live(at).filter(item__in=_ids(calendars)).values_list("item")
    return dict(rows.annotate(Count("id")))


def _ids(calendars: Iterable[Visible]) -> list[UUID]:
    return [seen.calendar.id for seen in calendars]
