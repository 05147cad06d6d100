"""
Calendars and events, sealed except for our ids, weeks and flags.

A provider's calendar is a temporary copy. Its events are sealed under the copy's own key, so that
the copy can be destroyed, also in backups, while the calendar stays connected.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration

# The window of a copy in days: the useful past, and the usual planning horizon.
DAYS_BACK: Final = 30
DAYS_AHEAD: Final = 180
WEEK: Final = 7 * 86400


def get_week(at: datetime) -> int:
    """Return the week counted from 1970-01-01 UTC."""
    return int(at.timestamp() // WEEK)


def get_week_start(week: int) -> datetime:
    return datetime.fromtimestamp(week * WEEK, UTC)


class CalendarRole(models.TextChoices):
    FREEBUSY = "freebusy"
    READER = "reader"
    WRITER = "writer"
    OWNER = "owner"


class EventKind(models.TextChoices):
    SINGLE = "single"
    # A series: occurrences follow from its rule.
    SERIES = "series"
    # An occurrence that differs from its series.
    CHANGED = "changed"
    # A cancelled occurrence of a series.
    CANCELLED = "cancelled"


class CalendarQuerySet(models.QuerySet["Calendar"]):
    def live(self) -> Self:
        return self.filter(gone_at=None)

    def owned_by(self, user_id: UUID, organisation_id: UUID) -> Self:
        return self.filter(user_id=user_id, organisation_id=organisation_id)


class Calendar(models.Model):
    """
    `about` opens to JSON: id (the provider's; empty for a local calendar), name, zone (IANA),
    colour. An evicted calendar has no name, because the copy's key seals `about`. `cursor` and
    `position` belong to the event sync.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own: the constraint below begins with this column.
    integration = models.ForeignKey(
        Integration, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    # A keyed hash of the provider's id under the integration's key.
    remote_blind = models.BinaryField(max_length=32)
    about = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)
    role = models.CharField(max_length=16, choices=CalendarRole)
    is_primary = models.BooleanField(default=False)
    # The owner shows it among the other calendars.
    is_shown = models.BooleanField(default=True)
    # A local calendar. It is not a copy, and never expires.
    is_local = models.BooleanField(default=False)
    # The provider deleted it: it is hidden, and a sweep removes it.
    gone_at = models.DateTimeField(null=True)
    added_at = models.DateTimeField()

    # The holder of the events' key; replaced by each new copy.
    cache_id = models.UUIDField(unique=True, default=uuid7)
    # When the provider last listed the calendar with its name.
    listed_at = models.DateTimeField(null=True)
    # When the provider last confirmed the copy as complete; null: there is no copy.
    cached_at = models.DateTimeField(null=True)
    cached_from = models.DateTimeField(null=True)
    cached_until = models.DateTimeField(null=True)
    # The owner deleted the copy; nothing is fetched until the next request.
    cleared_at = models.DateTimeField(null=True)
    # The last request of a permitted viewer. Unrequested copies are not refreshed.
    asked_at = models.DateTimeField()
    cursor = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)
    position = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)
    # The number of full listings; a listing's window is relative to its start.
    round = models.PositiveIntegerField(default=0)
    round_began_at = models.DateTimeField(null=True)
    # The current round compares: the copy was complete just before.
    is_compared = models.BooleanField(default=False)
    # The last comparison, and the numbers of missing and surplus events.
    compared_at = models.DateTimeField(null=True)
    missing_count = models.PositiveIntegerField(default=0)
    extra_count = models.PositiveIntegerField(default=0)
    # Unreadable events: left out, and shown as a number.
    unreadable_count = models.PositiveIntegerField(default=0)

    objects = models.Manager.from_queryset(CalendarQuerySet)()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "remote_blind"], name="calendar_once_per_integration"
            ),
            models.CheckConstraint(
                condition=Q(role__in=CalendarRole.values), name="calendar_role_known"
            ),
            models.CheckConstraint(
                condition=Q(cleared_at=None)
                | Q(cached_at=None, listed_at=None, about=None, cursor=None, position=None),
                name="calendar_cleared_has_no_copy",
            ),
            models.CheckConstraint(
                condition=Q(cached_at=None)
                | Q(cached_from__isnull=False, cached_until__isnull=False),
                name="calendar_copy_has_a_window",
            ),
        ]
        indexes = [
            models.Index(fields=["user_id", "organisation_id"], name="calendar_by_owner"),
            models.Index(fields=["cached_at"], name="calendar_by_age"),
        ]

    def __str__(self) -> str:
        return f"calendar {self.id}"

    @property
    def version(self) -> str | None:
        """The version of a local calendar's `about`; None if the provider has the version."""
        if not self.is_local or self.about is None:
            return None
        # Only a change seals it again.
        return hashlib.sha256(self.about.ciphertext).hexdigest()[:32]

    def is_current(self, *, hours: int, at: datetime) -> bool:
        """
        Return whether the events are fresh enough to show.

        :param hours: the maximum age of the copy
        """
        return self._is_young(self.cached_at, hours, at)

    def is_complete_since(self, at: datetime) -> bool:
        """Return whether the copy contains every event that the provider had at `at`."""
        return self.is_local or (self.cached_at is not None and self.cached_at >= at)

    def is_known(self, *, hours: int, at: datetime) -> bool:
        """Return whether the name is fresh enough to show."""
        return self._is_young(self.listed_at, hours, at)

    def _is_young(self, seen_at: datetime | None, hours: int, at: datetime) -> bool:
        if self.gone_at is not None:
            return False
        return self.is_local or (seen_at is not None and at < seen_at + timedelta(hours=hours))


class Event(models.Model):
    """
    A single event, a series, or an exception of a series.

    `timing` opens to JSON: start, end, recurrence, original (of an exception), tentative. No
    other column says when a person is busy. `content` opens to JSON: title, description,
    location, attendees, organizer, conference, reminders, and shown (the sanitised description).
    Views sanitise `shown` again if `shown_version`, of `integrations.formats.mime.safe_bodies`,
    is old. `remote` opens to JSON: id, etag, ical_uid, sequence, series.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # No index of its own: the indexes below begin with this column.
    calendar = models.ForeignKey(
        Calendar, on_delete=models.DO_NOTHING, related_name="events", db_index=False
    )
    integration_id = models.UUIDField()
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    cache_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=EventKind)
    # Keyed hashes under the copy's own key; destroyed with it.
    remote_blind = models.BinaryField(max_length=32)
    # `remote_blind` of the series, for an exception.
    series_blind = models.BinaryField(max_length=32, null=True)
    # The first and last week that it touches (see `get_week`). Null: no end.
    first_week = models.IntegerField()
    last_week = models.IntegerField(null=True)
    is_busy = models.BooleanField(default=True)
    is_private = models.BooleanField(default=False)
    seen_round = models.PositiveIntegerField(default=0)
    synced_at = models.DateTimeField()
    shown_version = models.PositiveSmallIntegerField(default=0)
    timing = SealedField(data_class=DataClass.CALENDAR_FREEBUSY, holder="cache_id")
    # Null for a cancelled occurrence: nothing more is known.
    content = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)
    remote = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["calendar", "remote_blind"], name="event_once_per_calendar"
            ),
            models.CheckConstraint(condition=Q(kind__in=EventKind.values), name="event_kind_known"),
            models.CheckConstraint(
                condition=Q(kind__in=[EventKind.SINGLE, EventKind.SERIES], series_blind=None)
                | Q(
                    kind__in=[EventKind.CHANGED, EventKind.CANCELLED],
                    series_blind__isnull=False,
                ),
                name="event_series_iff_occurrence",
            ),
        ]
        indexes = [
            models.Index(fields=["calendar", "last_week", "first_week"], name="event_by_week"),
            models.Index(fields=["calendar", "series_blind"], name="event_by_series"),
            models.Index(fields=["integration_id", "id"], name="event_by_integration"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} event {self.id}"
