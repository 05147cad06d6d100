"""The calendars that an actor may see: selected on each request, never cached."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from accounts.actors import Actor, ActorKind
from accounts.partial_instances import make_partial_instance
from integrations.access import scopes
from integrations.models import (
    FETCHABLE,
    LIVE,
    Calendar,
    Connection,
    Integration,
    IntegrationStatus,
)
from limited_use.agreements import shares
from limited_use.models.shares import Share, ShareLevel
from limited_use.policy.policy_vocabulary import DataClass
from limited_use.vault.fields import StoredCiphertext

_EVENT, _FREEBUSY = DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY

# Own calendars are read in SQL, for the reason in `event_rows`. Other columns are deferred: those
# of the sync, and the credentials.
_CALENDAR: Final = (
    "id", "integration_id", "user_id", "organisation_id", "about", "role", "is_primary", "is_shown",
    "is_local", "gone_at", "cache_id", "listed_at", "cached_at", "cached_from", "cached_until",
    "cleared_at", "asked_at", "round", "compared_at", "missing_count", "extra_count",
    "unreadable_count",
)  # fmt: skip
_INTEGRATION: Final = ("id", "connection_id", "product", "status", "epoch", "cache_hours")
_CONNECTION: Final = (
    "id", "user_id", "organisation_id", "provider", "granted_scopes", "connected_at",
)  # fmt: skip
_COLUMNS: Final = ", ".join(
    f"{table}.{column}"
    for table, columns in (
        ("calendar", _CALENDAR), ("integration", _INTEGRATION), ("connection", _CONNECTION),
    )
    for column in columns
)  # fmt: skip
_STATEMENT: Final = (
    f"SELECT {_COLUMNS} FROM integrations_calendar calendar"  # noqa: S608 - our own words
    " JOIN integrations_integration integration ON integration.id = calendar.integration_id"
    " JOIN integrations_connection connection ON connection.id = integration.connection_id"
    " WHERE calendar.user_id = %s AND calendar.organisation_id = %s"
    " AND calendar.gone_at IS NULL AND integration.status = ANY(%s)"
    " ORDER BY calendar.is_primary DESC, calendar.id"
)


@dataclass(frozen=True, slots=True)
class VisibleCalendar:
    """
    :param share: the share that names the viewer; None for an own calendar
    :param max_age_hours: the age up to which its copy may be shown
    """

    calendar: Calendar
    share: Share | None
    max_age_hours: int

    @property
    def shows_details(self) -> bool:
        return self.share is None or self.share.level == ShareLevel.DETAILS

    @property
    def data_classes(self) -> tuple[DataClass, ...]:
        return (_FREEBUSY, _EVENT) if self.shows_details else (_FREEBUSY,)

    def is_current(self, at: datetime) -> bool:
        return self.calendar.is_current(hours=self.max_age_hours, at=at)

    @property
    def expires_at(self) -> datetime | None:
        """The end of its copy, unless renewed; None for a local calendar."""
        cached_at = self.calendar.cached_at
        if self.calendar.is_local or cached_at is None:
            return None
        until: datetime = cached_at + timedelta(hours=self.max_age_hours)
        return until

    def is_known(self, at: datetime) -> bool:
        return self.calendar.is_known(hours=self.max_age_hours, at=at)


def get_own_calendars(*, actor: Actor, user_id: UUID) -> list[VisibleCalendar]:
    """Return no calendars to another person, and none of an ended grant to a feature."""
    if actor.organisation_id is None or actor.user_id != user_id:
        return []
    statuses = FETCHABLE if actor.kind == ActorKind.CLIENT else LIVE
    calendars = _read_own_calendars(
        user_id=user_id, organisation_id=actor.organisation_id, statuses=statuses
    )
    return [_to_visible(calendar, None) for calendar in calendars]


def get_shared_calendars(*, actor: Actor, at: datetime) -> list[VisibleCalendar]:
    viewer_id, organisation_id = actor.user_id, actor.organisation_id
    membership_id = actor.membership_id
    if viewer_id is None or organisation_id is None or membership_id is None:
        return []
    if actor.kind != ActorKind.PERSON:
        return []
    live_shares = shares.filter_live(at).filter(
        viewer_id=viewer_id,
        organisation_id=organisation_id,
        viewer_membership=membership_id,
    )
    by_calendar = {share.item: share for share in live_shares}
    calendars = Calendar.objects.live().filter(
        id__in=by_calendar,
        organisation_id=organisation_id,
        integration__status__in=FETCHABLE,
    )
    ordered = calendars.select_related("integration").order_by("id")
    return [_to_visible(calendar, by_calendar[calendar.id]) for calendar in ordered]


def filter_calendars(
    calendars: Sequence[VisibleCalendar], calendar_ids: Collection[UUID] | None
) -> list[VisibleCalendar]:
    """:param calendar_ids: None: the calendars that are set to be shown"""
    if calendar_ids is None:
        return [
            visible
            for visible in calendars
            if visible.calendar.is_shown or visible.share is not None
        ]
    return [visible for visible in calendars if visible.calendar.id in calendar_ids]


def _to_visible(calendar: Calendar, share: Share | None) -> VisibleCalendar:
    integration = calendar.integration
    hours = scopes.get_cache_hours(integration.product, integration.cache_hours)
    return VisibleCalendar(calendar, share, hours)


def _read_own_calendars(
    *, user_id: UUID, organisation_id: UUID, statuses: Iterable[IntegrationStatus]
) -> list[Calendar]:
    """
    Return the calendars that the provider still has, the primary ones first, each with its
    integration and connection.

    :param statuses: of their integrations
    """
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(_STATEMENT, [user_id, organisation_id, [str(status) for status in statuses]])
        rows = cursor.fetchall()
    integrations: dict[UUID, Integration] = {}
    return [_make_calendar(row, integrations) for row in rows]


def _make_calendar(row: tuple[Any, ...], integrations: dict[UUID, Integration]) -> Calendar:
    """:param integrations: those of earlier rows, by id"""
    values = dict(zip(_CALENDAR, row, strict=False))
    if values["about"] is not None:
        values["about"] = StoredCiphertext(values["about"])
    calendar = make_partial_instance(Calendar, **values)
    integration_id = calendar.integration_id
    if integration_id not in integrations:
        integrations[integration_id] = _make_integration(row[len(_CALENDAR) :])
    calendar.integration = integrations[integration_id]
    return calendar


def _make_integration(row: tuple[Any, ...]) -> Integration:
    integration = make_partial_instance(Integration, **dict(zip(_INTEGRATION, row, strict=False)))
    integration.connection = make_partial_instance(
        Connection, **dict(zip(_CONNECTION, row[len(_INTEGRATION) :], strict=True))
    )
    return integration
