"""
Calendars and their events, sealed, but for what finding them takes.

Of an event, in clear are our ids, the week or weeks that it lies in, and flags. A provider's
calendar is a temporary copy: its events are sealed under a key of the copy's own, so that the
copy can end, in backups too, while the calendar stays connected.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Final, Self
from uuid import UUID

from django.db import models
from django.db.models import Q

from accounts.ids import uuid7
from limited_use.policy.vocabulary import DataClass
from limited_use.vault.fields import SealedField

from .connection import Integration

# What a copy reaches: the past that is still of use, and as far as people plan.
DAYS_BACK: Final = 30
DAYS_AHEAD: Final = 180
WEEK: Final = 7 * 86400


def get_week(at: datetime) -> int:
    """Return the week that `at` lies in, counted from 1970-01-01 UTC."""
    return int(at.timestamp() // WEEK)


def get_week_start(week: int) -> datetime:
    """Return when a week begins. See `week_of`."""
    return datetime.fromtimestamp(week * WEEK, UTC)


class CalendarRole(models.TextChoices):
    """What its account may do with it at the provider."""

    FREEBUSY = "freebusy"
    READER = "reader"
    WRITER = "writer"
    OWNER = "owner"


class EventKind(models.TextChoices):
    SINGLE = "single"
    # A rule from which occurrences follow.
    SERIES = "series"
    # One occurrence of a series that is not as the rule says.
    CHANGED = "changed"
    # One occurrence of a series that is not to be.
    CANCELLED = "cancelled"


class CalendarQuerySet(models.QuerySet["Calendar"]):
    def live(self) -> Self:
        return self.filter(gone_at=None)

    def owned_by(self, user_id: UUID, organisation_id: UUID) -> Self:
        return self.filter(user_id=user_id, organisation_id=organisation_id)


class Calendar(models.Model):
    """
    One calendar of an integration.

    `about` opens to JSON: id (the provider's; empty for one that lives here), name, zone (IANA),
    colour. It goes with the copy, so that a calendar whose copy has ended has no name either.
    `cursor` and `position` are those of its events.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Not indexed alone: the constraint below begins with it.
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
    # Whether its owner wants to see it beside the others.
    is_shown = models.BooleanField(default=True)
    # It lives here, and is nobody's copy: it never expires.
    is_local = models.BooleanField(default=False)
    # The provider no longer has it: nothing of it is shown from then on, and a sweep removes it.
    gone_at = models.DateTimeField(null=True)
    added_at = models.DateTimeField()

    # Whose key the events are sealed under; a new one each time that the copy begins anew.
    cache_id = models.UUIDField(unique=True, default=uuid7)
    # When the provider last listed it, and said what it is.
    listed_at = models.DateTimeField(null=True)
    # When the provider last said that the copy of its events is complete; null: there is none.
    cached_at = models.DateTimeField(null=True)
    cached_from = models.DateTimeField(null=True)
    cached_until = models.DateTimeField(null=True)
    # Its owner deleted the copy; nothing is fetched until somebody asks for it.
    cleared_at = models.DateTimeField(null=True)
    # When somebody who may see it last asked. What nobody asks for is not kept fresh.
    asked_at = models.DateTimeField()
    cursor = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)
    position = SealedField(data_class=DataClass.CALENDAR_EVENT, holder="cache_id", null=True)
    # Counts the rounds in which all of it is listed; the window of one is counted from its start.
    round = models.PositiveIntegerField(default=0)
    round_began_at = models.DateTimeField(null=True)
    # Whether the round at hand is one in which it is compared: the copy was complete just before.
    is_compared = models.BooleanField(default=False)
    # When it was last compared, and how many events were missing here, and too many.
    compared_at = models.DateTimeField(null=True)
    missing_count = models.PositiveIntegerField(default=0)
    extra_count = models.PositiveIntegerField(default=0)
    # How many of its events cannot be read: they are left out, and that is said.
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
        """Which version of what it is called this is; None where its provider says that."""
        if not self.is_local or self.about is None:
            return None
        # Sealed anew by each change of it, and by nothing else.
        return hashlib.sha256(self.about.ciphertext).hexdigest()[:32]

    def is_current(self, *, hours: int, at: datetime) -> bool:
        """
        Return whether its events may be shown now.

        :param hours: how old a copy may be
        """
        return self._is_young(self.cached_at, hours, at)

    def is_complete_since(self, at: datetime) -> bool:
        """Return whether all that its provider had at that time is among its events."""
        return self.is_local or (self.cached_at is not None and self.cached_at >= at)

    def is_known(self, *, hours: int, at: datetime) -> bool:
        """Return whether its name may be shown now. See `is_current`."""
        return self._is_young(self.listed_at, hours, at)

    def _is_young(self, seen_at: datetime | None, hours: int, at: datetime) -> bool:
        if self.gone_at is not None:
            return False
        return self.is_local or (seen_at is not None and at < seen_at + timedelta(hours=hours))


class Event(models.Model):
    """
    One event, series, or occurrence that is not as its series says.

    `timing` opens to JSON: start, end, recurrence, original (of an occurrence), tentative. It is
    all that says when somebody is busy. `content` opens to JSON: title, description, location,
    attendees, organizer, conference, reminders, and shown: the description made safe to show.
    Version `shown_version` of `integrations.formats.mime.safe_bodies` made it; a view makes an
    older one again. `remote` opens to JSON: id, etag, ical_uid, sequence, series; what its provider
    is asked by.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Not indexed alone: what looks for them begins with it.
    calendar = models.ForeignKey(
        Calendar, on_delete=models.DO_NOTHING, related_name="events", db_index=False
    )
    integration_id = models.UUIDField()
    user_id = models.UUIDField()
    organisation_id = models.UUIDField()
    cache_id = models.UUIDField()
    kind = models.CharField(max_length=16, choices=EventKind)
    # Keyed hashes under the copy's own key; they die with it.
    remote_blind = models.BinaryField(max_length=32)
    # Of an occurrence: that of its series.
    series_blind = models.BinaryField(max_length=32, null=True)
    # Weeks, as `week_of` counts them, from the first that it touches to the last. Null: no end.
    first_week = models.IntegerField()
    last_week = models.IntegerField(null=True)
    is_busy = models.BooleanField(default=True)
    is_private = models.BooleanField(default=False)
    seen_round = models.PositiveIntegerField(default=0)
    synced_at = models.DateTimeField()
    shown_version = models.PositiveSmallIntegerField(default=0)
    timing = SealedField(data_class=DataClass.CALENDAR_FREEBUSY, holder="cache_id")
    # Of a cancelled occurrence nothing more is known.
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
