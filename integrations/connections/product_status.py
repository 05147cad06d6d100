"""
How a connected product is doing, in the words that its owner reads, from database rows alone.

Support reads the same words.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.conf import settings

from integrations.access import facts, scopes
from integrations.models import (
    Calendar,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    StatusReason,
)
from integrations.sync.integration_status import QUIET_FOR

from . import status_messages
from .status_messages import StatusMessage
from .sync_progress import SyncProgress


def choose_mail_message(
    integration: Integration,
    progress: SyncProgress | None,
    *,
    changed: Collection[str],
    at: datetime,
) -> StatusMessage:
    """:param changed: keys of the features that need a new agreement"""
    if needs_agreement(integration, changed):
        return status_messages.PAUSED
    if (
        progress is not None
        and progress.is_stalled
        and integration.status != IntegrationStatus.REAUTH_REQUIRED
    ):
        return status_messages.get_status_message(
            IntegrationStatus.DEGRADED, StatusReason.NO_WORKER
        )
    message = status_messages.get_status_message(integration.status, _get_reason(integration))
    if message == status_messages.STATUS[IntegrationStatus.ACTIVE]:
        if not _is_current(progress, at):
            return status_messages.NOT_CURRENT
        if progress is not None and progress.delayed_count:
            return status_messages.NOT_COMPLETE
    return message


def choose_calendar_message(
    integration: Integration,
    calendars: Sequence[Calendar],
    *,
    changed: Collection[str],
    at: datetime,
) -> StatusMessage:
    """
    :param calendars: the live ones of the integration
    :param changed: keys of the features that need a new agreement
    """
    if needs_agreement(integration, changed):
        return status_messages.PAUSED
    message = status_messages.get_calendar_message(integration.status, _get_reason(integration))
    is_stored = find_oldest_copy(integration, calendars, at=at) is not None
    if is_stored or message != status_messages.get_calendar_message(IntegrationStatus.ACTIVE):
        return message
    is_deleted = bool(calendars) and all(calendar.cleared_at for calendar in calendars)
    return replace(
        message,
        says=status_messages.CALENDARS_DELETED
        if is_deleted
        else status_messages.CALENDARS_NOT_STORED,
    )


def choose_drive_message(integration: Integration, *, changed: Collection[str]) -> StatusMessage:
    """:param changed: keys of the features that need a new agreement"""
    if needs_agreement(integration, changed):
        return status_messages.PAUSED
    return status_messages.get_drive_message(integration.status, _get_reason(integration))


def needs_agreement(integration: Integration, changed: Collection[str]) -> bool:
    """
    Return whether nothing is fetched until the owner agrees to the changed description.

    Connecting again includes the agreement, so an ended access comes first.

    :param changed: keys of the features that need a new agreement
    """
    is_changed = get_main_feature(integration) in changed
    return is_changed and integration.status != IntegrationStatus.REAUTH_REQUIRED


def get_main_feature(integration: Integration) -> str:
    """Return the key of the feature that stores the product's data, or saves files in it."""
    return facts.COPY_CONSENTS[integration.product].feature_key


def get_copy_lifetime(integration: Integration) -> timedelta:
    return timedelta(hours=scopes.get_cache_hours(integration.product, integration.cache_hours))


def find_oldest_copy(
    integration: Integration, calendars: Sequence[Calendar], *, at: datetime
) -> datetime | None:
    """Return when the oldest copy was made; None if nothing is stored."""
    lifetime = get_copy_lifetime(integration)
    # A copy beyond its time is not shown any more, though the sweep may not have removed it yet.
    return min(
        (
            calendar.cached_at
            for calendar in calendars
            if calendar.cached_at and calendar.cached_at + lifetime > at
        ),
        default=None,
    )


def _get_reason(integration: Integration) -> str:
    """If the access ended, it has to be reconnected, whatever permission is missing."""
    has_ended = integration.connection.status == ConnectionStatus.REAUTH_REQUIRED
    if has_ended and integration.status_reason == StatusReason.SCOPE_MISSING:
        return StatusReason.NONE
    return integration.status_reason


def _is_current(progress: SyncProgress | None, at: datetime) -> bool:
    """Return whether the last check was complete and within the check interval."""
    if progress is None or progress.failing_since is not None or progress.last_synced_at is None:
        return False
    seconds = progress.interval.seconds if progress.interval is not None else 0
    max_age = timedelta(seconds=max(settings.PUSH_POLL_SECONDS, seconds))
    return at - progress.last_synced_at <= max_age + QUIET_FOR
