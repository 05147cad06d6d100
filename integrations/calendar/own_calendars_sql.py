"""
Read a person's own calendars in SQL, for the reason in `event_rows`.

The columns of the sync, and the credentials, are deferred.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import connection
from psycopg.pq import Format

from accounts.partial_instances import make_partial_instance
from integrations.models import Calendar, Connection, Integration, IntegrationStatus
from limited_use.vault.fields import StoredCiphertext

_CALENDAR: Final = (
    "id", "integration_id", "user_id", "organisation_id", "about", "role", "is_primary", "is_shown",
    "is_local", "gone_at", "cache_id", "listed_at", "cached_at", "cached_from", "cached_until",
    "cleared_at", "asked_at", "round", "unreadable_count",
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


def list_own_calendars(
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
