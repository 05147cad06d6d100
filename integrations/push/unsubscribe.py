"""
Stop an integration's watches at the provider, and retry until each has ended.

No watch can be stopped after the revocation of the grant. A watch's row holds the ids that stop
the watch, and is deleted in the commit that counts the provider's answer. See README.md.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from queue import Empty, Queue
from threading import Thread
from time import monotonic
from typing import Final
from uuid import UUID

from django.db import DatabaseError, transaction

from integrations.access import permits
from integrations.grants.admission_control import UnmeteredAdmission
from integrations.grants.provider_sessions import ProviderSession
from integrations.models import Connection, Integration, Watch, WatchKind
from integrations.providers import PROVIDERS, errors
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.provider_definition import Provider
from limited_use import traceback_scrubber
from limited_use.sinks import provider_sink as own_provider
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import revocation_access, shared_watches
from .google_channels import LIFETIME
from .revocation_access import RevocationToken

logger = logging.getLogger(__name__)

# The longest duration of one try, for all watches of an integration.
LONGEST_CALL: Final = timedelta(seconds=10)

# A connect, or a disconnect of another product, may fence off the tokens in use although the grant
# has not ended: try once more with the stored tokens.
_TRIES: Final = 2


class WatchStopOutcome(StrEnum):
    """Of several watches, the first in this order."""

    # The provider accepts no token that opens: the watch expires by itself.
    NO_ACCESS = "no_access"
    # The provider did not confirm the end: the watch expires by itself.
    UNANSWERED = "unanswered"
    # Another connection of the account uses the watch.
    NEEDED_ELSEWHERE = "needed_elsewhere"
    # The watch expired before the provider confirmed the end.
    LAPSED = "lapsed"
    STOPPED = "stopped"
    # The provider has no such watch.
    GONE = "gone"
    # There was nothing to stop.
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StoppedWatches:
    """:param lapse_by: until when the provider may still notify; None: it no longer notifies"""

    outcome: WatchStopOutcome
    count: int
    lapse_by: datetime | None = None


#: Counts ended watches in the transaction that deletes their rows.
CountWatchEnd = Callable[[StoppedWatches], None]


@dataclass(frozen=True, slots=True)
class _WatchStopRequest:
    """A channel by its two ids, or a mailbox's own watch without ids."""

    row: Watch
    ids: tuple[str, str] | None


def stop_watches(
    integration_id: UUID, *, now: Callable[[], datetime], count: CountWatchEnd
) -> bool:
    """
    Ask the provider once; return whether none remains. Errors of the provider, the grant or a key
    are not raised.
    """
    has_access = False
    for _ in range(_TRIES):
        integration = Integration.objects.select_related("connection").get(id=integration_id)
        has_access = _try_stopping(integration, at=now(), count=count)
        if has_access or not _has_changed(integration.connection):
            break
    if not has_access:
        _settle_watches(
            _get_watches(integration_id), WatchStopOutcome.NO_ACCESS, at=now(), count=count
        )
    remaining = len(_get_watches(integration_id))
    logger.info("watch.stop_tried", extra={"integration_id": integration_id, "count": remaining})
    return not remaining


def leave_watches_to_lapse(integration_id: UUID, *, at: datetime, count: CountWatchEnd) -> None:
    _settle_watches(_get_watches(integration_id), WatchStopOutcome.UNANSWERED, at=at, count=count)


def _get_watches(integration_id: UUID) -> list[Watch]:
    return list(Watch.objects.filter(integration_id=integration_id).order_by("id"))


def _settle_watches(
    rows: Sequence[Watch], outcome: WatchStopOutcome, *, at: datetime, count: CountWatchEnd
) -> None:
    for row in rows:
        with transaction.atomic(durable=True):
            deleted, _ = Watch.objects.filter(id=row.id).delete()
            if deleted:
                count(_make_end(row, outcome, at))


def _make_end(row: Watch, outcome: WatchStopOutcome, at: datetime) -> StoppedWatches:
    if outcome not in {WatchStopOutcome.NO_ACCESS, WatchStopOutcome.UNANSWERED}:
        return StoppedWatches(outcome, 1)
    # An unconfirmed watch may last for its requested lifetime.
    lapse_by: datetime = row.expires_at or at + LIFETIME
    return (
        StoppedWatches(outcome, 1, lapse_by)
        if lapse_by > at
        else StoppedWatches(WatchStopOutcome.LAPSED, 1)
    )


def _try_stopping(integration: Integration, *, at: datetime, count: CountWatchEnd) -> bool:
    """Return False if the provider accepts no token that opens."""
    rows = _get_watches(integration.id)
    try:
        requests = list(_get_stop_requests(integration, rows, at=at, count=count))
        if not requests:
            return True
        token = revocation_access.get_revocation_token(integration.connection, at=at)
        has_access = _stop_within_bounds(integration, requests, token, at=at, count=count)
        token.store_refreshed()
    except DatabaseError:
        raise
    except KeyStoreUnavailable:
        logger.warning("watch.keys_unavailable", extra={"integration_id": integration.id})
        return True
    except Exception as bug:
        # No destroyed key, refusal or bug may keep our rows.
        traceback_scrubber.clear_frames(bug)
        logger.exception("watch.not_stopped", extra={"integration_id": integration.id})
        return False
    return has_access


def _has_changed(read: Connection) -> bool:
    """The connection was fenced off after `read` was loaded."""
    return Connection.objects.filter(id=read.id).exclude(epoch=read.epoch).exists()


def _get_stop_requests(
    integration: Integration, rows: Sequence[Watch], *, at: datetime, count: CountWatchEnd
) -> Iterator[_WatchStopRequest]:
    permit = None
    is_needed = shared_watches.needs_mailbox_watch(integration)
    for row in rows:
        if row.kind == WatchKind.TOPIC:
            if is_needed:
                _settle_watches([row], WatchStopOutcome.NEEDED_ELSEWHERE, at=at, count=count)
            else:
                yield _WatchStopRequest(row, None)
        elif row.channel is None or row.resource_blind is None:
            _settle_unanswered(row, at=at, count=count)
        else:
            permit = permit or permits.to_stop_watches(
                connection_id=integration.connection_id, at=at
            )
            to = integration.connection_id
            opened = json.loads(own_provider.open_credential(row.channel, permit, to=to, at=at))
            yield _WatchStopRequest(row, (opened["id"], opened["resource_id"]))


def _settle_unanswered(row: Watch, *, at: datetime, count: CountWatchEnd) -> None:
    """The stop call requires the provider's id, which is missing."""
    if row.lease_until is not None and row.lease_until > at:
        # A worker waits for the response. It stops the channel, or writes how to stop it.
        return
    outcome = WatchStopOutcome.UNANSWERED if row.channel is not None else WatchStopOutcome.NONE
    _settle_watches([row], outcome, at=at, count=count)


def _stop_within_bounds(
    integration: Integration,
    requests: Sequence[_WatchStopRequest],
    token: RevocationToken,
    *,
    at: datetime,
    count: CountWatchEnd,
) -> bool:
    """Return False if the provider accepts no token."""
    # Client timeouts are per read, and there may be many watches. The thread does not use the
    # database, and is abandoned at the deadline.
    answers: Queue[tuple[_WatchStopRequest, WatchStopOutcome] | None] = Queue()
    provider = PROVIDERS[integration.connection.provider]

    def stop_each() -> None:
        for request in requests:
            answers.put((request, _stop_watch(provider, request, token)))
        answers.put(None)

    Thread(target=stop_each, daemon=True, name="stop-watches").start()
    deadline = monotonic() + LONGEST_CALL.total_seconds()
    while True:
        try:
            answer = answers.get(timeout=max(0.0, deadline - monotonic()))
        except Empty:
            return True
        if answer is None:
            return True
        request, outcome = answer
        if outcome is WatchStopOutcome.NO_ACCESS:
            return False
        if outcome is not WatchStopOutcome.UNANSWERED:
            _settle_watches([request.row], outcome, at=at, count=count)


def _stop_watch(
    provider: Provider, request: _WatchStopRequest, token: RevocationToken
) -> WatchStopOutcome:
    session = ProviderSession(token.access, UnmeteredAdmission())
    try:
        is_stopped = session.call(lambda: _call_provider(provider, request, token.access))
    except (errors.GrantRevoked, errors.TokenRejected):
        return WatchStopOutcome.NO_ACCESS
    except errors.ProviderError:
        return WatchStopOutcome.UNANSWERED
    except Exception as bug:
        # The frames hold ids, so no report shows them.
        traceback_scrubber.clear_frames(bug)
        logger.exception("watch.not_stopped", extra={"provider": provider.key})
        return WatchStopOutcome.UNANSWERED
    return WatchStopOutcome.STOPPED if is_stopped else WatchStopOutcome.GONE


def _call_provider(provider: Provider, request: _WatchStopRequest, access: ProviderAccess) -> bool:
    ids = request.ids
    if ids is None and provider.watch_mail is not None:
        with provider.watch_mail(access) as watch:
            watch.stop_watch()
    elif ids is not None and provider.subscriptions is not None:
        with provider.subscriptions(access) as subscriptions:
            return subscriptions.stop_subscription(ids[1])
    elif ids is not None and provider.watch_calendars is not None:
        with provider.watch_calendars(access) as channels:
            return channels.stop_channel(*ids)
    return True
