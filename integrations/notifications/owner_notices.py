"""
Notices to owners about an ended grant or permission, a purge, and its receipt.

Mail goes to the sign-in address, because the connected mailbox may be lost, unless its owner chose
a mailbox that works. It contains the provider, the deadline, and no provider data such as the
connected address.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from integrations.grants import provider_alerts
from integrations.models import (
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    Notice,
    NoticeKind,
    OwnerNotice,
    PurgeJob,
    StatusReason,
)
from integrations.providers import PROVIDERS

from . import notice_delivery, notify
from .connection_notices import RECONNECT
from .notice_details import NoticeDetails

_RECEIPT_READY: Final = "receipt_ready"
# Days after the start, of the usual fourteen; a shorter grace period scales all.
_DAYS = {NoticeKind.RECONNECT: 0, NoticeKind.RECONNECT_AGAIN: 7, NoticeKind.RECONNECT_LAST: 12}
_USUAL_DAYS = 14

# Consent screen in "Testing": Google ends every grant after seven days.
TESTING_AGE = timedelta(days=7)
TESTING_SLACK = timedelta(hours=12)
TESTING_COUNT = 3


@dataclass(frozen=True, slots=True)
class ReconnectDeadline:
    """All times are aware UTC."""

    since: datetime
    until: datetime
    notice_kinds: tuple[str, ...]


def get_grace_period() -> timedelta:
    """Return how long an ended grant may be reconnected."""
    return timedelta(days=settings.REAUTH_GRACE_DAYS)


def get_reconnect_needed_since(
    connection: Connection, live: Iterable[Integration]
) -> datetime | None:
    """Return since when the grant, or a `live` integration's permission, needs a reconnect."""
    missing = [
        integration.status_since
        for integration in live
        if integration.status == IntegrationStatus.REAUTH_REQUIRED
        and integration.status_reason == StatusReason.SCOPE_MISSING
    ]
    return min(filter(None, [connection.reauth_since, *missing]), default=None)


def reconnect_before(connection: Connection, live: Iterable[Integration]) -> datetime | None:
    since = get_reconnect_needed_since(connection, live)
    return None if since is None else since + get_grace_period()


def get_reconnect_deadline(connection: Connection) -> ReconnectDeadline | None:
    since = get_reconnect_needed_since(connection, connection.integrations.live())
    if since is None:
        return None
    notices = Notice.objects.filter(connection=connection, about_since=since)
    return ReconnectDeadline(
        since=since,
        until=since + get_grace_period(),
        notice_kinds=tuple(notices.order_by("told_at").values_list("kind", flat=True)),
    )


def list_due_kinds(*, since: datetime, at: datetime) -> list[NoticeKind]:
    scale = settings.REAUTH_GRACE_DAYS / _USUAL_DAYS
    return [kind for kind, days in _DAYS.items() if at >= since + timedelta(days=days) * scale]


def send_due_notices(*, at: datetime) -> int:
    """
    Send each due notice once, and return the number of mails.

    An owner with several gets only the latest. If all grants of a provider end after seven days,
    our consent screen is the cause: the operator is alerted, and no mail is sent.
    """
    sent = 0
    testing_providers = {key for key in PROVIDERS if _looks_like_testing(key, at=at)}
    waiting = Connection.objects.filter(
        Q(status=ConnectionStatus.REAUTH_REQUIRED)
        | Exists(Integration.objects.without_permission().filter(connection_id=OuterRef("id")))
    )
    for connection in waiting.iterator(chunk_size=200):
        since = get_reconnect_needed_since(connection, connection.integrations.live())
        if since is None:
            continue
        is_ours = connection.provider in testing_providers and _died_at_seven_days(connection)
        notice = _record_due_notice(connection, since=since, is_sent=not is_ours, at=at)
        # If the mail server refuses, the page still shows the notice, and the next stage sends one.
        sent += notice is not None and notice_delivery.deliver_notice(notice.id, at=at)
    return sent


def resolve_reconnect_notices(connection: Connection, *, at: datetime) -> None:
    """
    Call after each change of the connection and its integrations, in its transaction. The notices
    stay open while a permission is missing.
    """
    if get_reconnect_needed_since(connection, connection.integrations.live()) is None:
        notify.resolve_notices(
            RECONNECT,
            about=connection.id,
            user_id=connection.user_id,
            organisation_id=connection.organisation_id,
            at=at,
        )


def record_purged(*, job: PurgeJob, at: datetime) -> None:
    """Call in the purge's transaction: a later row could outlive the purge."""
    # One notice for all products of the connection that end together.
    Notice.objects.get_or_create(
        connection_id=job.integration.connection_id,
        kind=NoticeKind.PURGED,
        about_since=at,
        defaults={"told_at": at},
    )
    _record_removal(NoticeKind.PURGED, job, at=at)


def send_purged_notice(*, job: PurgeJob, at: datetime) -> bool:
    """Announce the removal of unreconnected data, which `record_purged` recorded."""
    return _send_removal(NoticeKind.PURGED, job, at=at)


def record_receipt_ready(*, job: PurgeJob, at: datetime) -> None:
    """Call in the transaction that issues the receipt."""
    _record_removal(_RECEIPT_READY, job, at=at)


def send_receipt_notice(*, job: PurgeJob, at: datetime) -> bool:
    """Send the link to the receipt, if the former owner still has an account."""
    return _send_removal(_RECEIPT_READY, job, at=at)


def _send_removal(message: str, job: PurgeJob, *, at: datetime) -> bool:
    notice = OwnerNotice.objects.filter(message=message, about=job.id, routed_at=None).first()
    return notice is not None and notice_delivery.deliver_notice(notice.id, at=at)


def _record_removal(message: str, job: PurgeJob, *, at: datetime) -> None:
    integration = job.integration
    notify.record_notice(
        message,
        user_id=job.user_id,
        organisation_id=job.organisation_id,
        about=job.id,
        episode_at=job.fenced_at,
        details=NoticeDetails(
            provider=integration.connection.provider, product=integration.product
        ),
        at=at,
    )


def _record_due_notice(
    connection: Connection, *, since: datetime, is_sent: bool, at: datetime
) -> OwnerNotice | None:
    """
    Record the stages that are due and the notice of the latest, all or nothing: no stage is
    recorded again, so its notice would be lost.
    """
    with transaction.atomic(durable=True):
        new_kinds = _record_due_kinds(connection, since=since, at=at)
        if not new_kinds or not is_sent:
            return None
        return notify.record_notice(
            new_kinds[-1],
            user_id=connection.user_id,
            organisation_id=connection.organisation_id,
            about=connection.id,
            episode_at=since,
            details=NoticeDetails(provider=connection.provider, until=since + get_grace_period()),
            at=at,
        )


def _record_due_kinds(connection: Connection, *, since: datetime, at: datetime) -> list[NoticeKind]:
    recorded_kinds = set(
        Notice.objects.filter(connection=connection, about_since=since).values_list(
            "kind", flat=True
        )
    )
    return [
        kind
        for kind in list_due_kinds(since=since, at=at)
        if kind not in recorded_kinds and _record_once(connection, kind, about_since=since, at=at)
    ]


def _record_once(
    connection: Connection, kind: NoticeKind, *, about_since: datetime, at: datetime
) -> bool:
    try:
        with transaction.atomic():
            Notice.objects.create(
                connection=connection, kind=kind, about_since=about_since, told_at=at
            )
    except IntegrityError:
        # Another worker was first, and sends.
        return False
    return True


def _died_at_seven_days(connection: Connection) -> bool:
    if connection.reauth_since is None:
        return False
    age = connection.reauth_since - connection.connected_at
    return abs(age - TESTING_AGE) <= TESTING_SLACK


def _looks_like_testing(provider: str, *, at: datetime) -> bool:
    """Return whether grants end after seven days, and alert the operator once."""
    ended_connections = Connection.objects.filter(
        provider=provider,
        status=ConnectionStatus.REAUTH_REQUIRED,
        reauth_since__gte=at - get_grace_period(),
    ).only("reauth_since", "connected_at")
    if sum(map(_died_at_seven_days, ended_connections)) < TESTING_COUNT:
        return False
    provider_alerts.raise_alert(
        provider_alerts.CONSENT_SCREEN_IN_TESTING, provider=provider, at=at, once=True
    )
    return True
