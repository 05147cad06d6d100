"""
The end of an integration's watches at the provider, asked again until each of them has ended.

Before the grant is given back, for nothing of an account can be stopped without it. One try lasts
ten seconds at most. The row of a watch holds what the watch is stopped by, so it stays until the
provider has answered, and goes in the commit that counts the answer. Notifications are dropped.
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
from integrations.providers.access import ProviderAccess
from integrations.providers.provider import Provider
from limited_use import traceback_scrubber
from limited_use.sinks import provider as own_provider
from limited_use.vault.keyring.port import KeyStoreUnavailable

from . import revocation_access, shared_watches
from .google_channels import LIFETIME
from .revocation_access import RevocationToken

logger = logging.getLogger(__name__)

# A provider is not waited for any longer than this.
LONGEST_CALL: Final = timedelta(seconds=10)

# A connect, or a disconnect of another product, may fence off the tokens that are being used. That
# does not say that the grant has ended: one more try, with what is stored then.
_TRIES: Final = 2


class StopOutcome(StrEnum):
    """What became of a watch; of several, the first of these that became of one."""

    # No token opened that the provider accepts: it ends by itself.
    NO_ACCESS = "no_access"
    # The provider did not say that it has ended: it ends by itself.
    UNANSWERED = "unanswered"
    # Another connection of the same account goes by the same watch.
    NEEDED_ELSEWHERE = "needed_elsewhere"
    # Its time was over before the provider said that it has ended.
    LAPSED = "lapsed"
    STOPPED = "stopped"
    # The provider answered that it has no such watch.
    GONE = "gone"
    # There was nothing to stop.
    NONE = "none"


@dataclass(frozen=True, slots=True)
class WatchEnd:
    """
    The end of some watches.

    :param lapse_by: until when the provider may go on telling; None: it tells no more
    """

    outcome: StopOutcome
    count: int
    lapse_by: datetime | None = None


#: Counts watches that have ended, in the transaction that deletes their rows.
CountWatchEnd = Callable[[WatchEnd], None]


@dataclass(frozen=True, slots=True)
class _StopRequest:
    """A watch to be stopped: a channel by its two ids, a mailbox's own watch by none."""

    row: Watch
    ids: tuple[str, str] | None


def stop_watches(
    integration_id: UUID, *, now: Callable[[], datetime], count: CountWatchEnd
) -> bool:
    """
    Ask the provider once to end each watch that is left; return whether none is left.

    Raises nothing that the provider, the grant or a key are to blame for.
    """
    has_access = False
    for _ in range(_TRIES):
        integration = Integration.objects.select_related("connection").get(id=integration_id)
        has_access = _try_stopping(integration, at=now(), count=count)
        if has_access or not _has_changed(integration.connection):
            break
    if not has_access:
        _settle_watches(_get_watches(integration_id), StopOutcome.NO_ACCESS, at=now(), count=count)
    remaining = len(_get_watches(integration_id))
    logger.info("watch.stop_tried", extra={"integration_id": integration_id, "left": remaining})
    return not remaining


def leave_to_lapse(integration_id: UUID, *, at: datetime, count: CountWatchEnd) -> None:
    """Leave the watches that are left to end by themselves."""
    _settle_watches(_get_watches(integration_id), StopOutcome.UNANSWERED, at=at, count=count)


def _get_watches(integration_id: UUID) -> list[Watch]:
    return list(Watch.objects.filter(integration_id=integration_id).order_by("id"))


def _settle_watches(
    rows: Sequence[Watch], outcome: StopOutcome, *, at: datetime, count: CountWatchEnd
) -> None:
    """Delete the rows of watches that have ended, or that nobody can end, and count them."""
    for row in rows:
        with transaction.atomic(durable=True):
            deleted, _ = Watch.objects.filter(id=row.id).delete()
            if deleted:
                count(_make_end(row, outcome, at))


def _make_end(row: Watch, outcome: StopOutcome, at: datetime) -> WatchEnd:
    if outcome not in {StopOutcome.NO_ACCESS, StopOutcome.UNANSWERED}:
        return WatchEnd(outcome, 1)
    # One that the provider did not answer about may last as long as we asked for.
    lapse_by: datetime = row.expires_at or at + LIFETIME
    return WatchEnd(outcome, 1, lapse_by) if lapse_by > at else WatchEnd(StopOutcome.LAPSED, 1)


def _try_stopping(integration: Integration, *, at: datetime, count: CountWatchEnd) -> bool:
    """Stop what can be stopped; return False if no token opens that the provider accepts."""
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
        # A key that is gone, a refusal, a bug: none of it may keep our own rows here.
        traceback_scrubber.clear_frames(bug)
        logger.exception("watch.not_stopped", extra={"integration_id": integration.id})
        return False
    return has_access


def _has_changed(read: Connection) -> bool:
    """Return whether permits and tokens that were read with `read` had been fenced off since."""
    return Connection.objects.filter(id=read.id).exclude(epoch=read.epoch).exists()


def _get_stop_requests(
    integration: Integration, rows: Sequence[Watch], *, at: datetime, count: CountWatchEnd
) -> Iterator[_StopRequest]:
    """Yield what the provider is asked to stop; settle the rows that it need not be asked about."""
    permit = None
    is_needed = shared_watches.needs_mailbox_watch(integration)
    for row in rows:
        if row.kind == WatchKind.TOPIC:
            if is_needed:
                _settle_watches([row], StopOutcome.NEEDED_ELSEWHERE, at=at, count=count)
            else:
                yield _StopRequest(row, None)
        elif row.channel is None or row.resource_blind is None:
            _settle_unanswered(row, at=at, count=count)
        else:
            permit = permit or permits.to_stop_watches(
                connection_id=integration.connection_id, at=at
            )
            to = integration.connection_id
            opened = json.loads(own_provider.open_credential(row.channel, permit, to=to, at=at))
            yield _StopRequest(row, (opened["id"], opened["resource_id"]))


def _settle_unanswered(row: Watch, *, at: datetime, count: CountWatchEnd) -> None:
    """Settle a channel of which the provider never said by which id it is stopped."""
    if row.lease_until is not None and row.lease_until > at:
        # A worker waits for the answer. It stops the channel, or writes down what that takes.
        return
    outcome = StopOutcome.UNANSWERED if row.channel is not None else StopOutcome.NONE
    _settle_watches([row], outcome, at=at, count=count)


def _stop_within_bounds(
    integration: Integration,
    requests: Sequence[_StopRequest],
    token: RevocationToken,
    *,
    at: datetime,
    count: CountWatchEnd,
) -> bool:
    """Settle each watch as the provider answers; return False if it accepts no token."""
    # A client's timeouts are per read, and there may be many to stop. The thread touches no
    # database, and is left to itself after the bound.
    answers: Queue[tuple[_StopRequest, StopOutcome] | None] = Queue()
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
        if outcome is StopOutcome.NO_ACCESS:
            return False
        if outcome is not StopOutcome.UNANSWERED:
            _settle_watches([request.row], outcome, at=at, count=count)


def _stop_watch(provider: Provider, request: _StopRequest, token: RevocationToken) -> StopOutcome:
    session = ProviderSession(token.access, UnmeteredAdmission())
    try:
        is_stopped = session.call(lambda: _call_provider(provider, request, token.access))
    except (errors.GrantRevoked, errors.TokenRejected):
        return StopOutcome.NO_ACCESS
    except errors.ProviderError:
        return StopOutcome.UNANSWERED
    except Exception as bug:
        # As in a sync: no report has the ids that its frames held.
        traceback_scrubber.clear_frames(bug)
        logger.exception("watch.not_stopped", extra={"provider": provider.key})
        return StopOutcome.UNANSWERED
    return StopOutcome.STOPPED if is_stopped else StopOutcome.GONE


def _call_provider(provider: Provider, request: _StopRequest, access: ProviderAccess) -> bool:
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
