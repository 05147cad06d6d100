"""
The end of an integration's watches at the provider: asked once, for ten seconds at most.

Before the grant is given back, for nothing of an account can be stopped without it. Whatever comes
of it, our rows go: a call about what is gone is dropped here, and ends by itself there.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from queue import Empty, Queue
from threading import Thread
from typing import Final
from uuid import UUID

from django.db.models import Max

from integrations import permits
from integrations.models import Connection, Integration, Watch, WatchKind
from integrations.providers import PROVIDERS, errors
from integrations.providers.access import Access
from integrations.providers.provider import Provider
from limited_use import traces
from limited_use.sinks import provider as own_provider

from . import accounts, last_access
from .last_access import LastToken

logger = logging.getLogger(__name__)

# A provider is not waited for any longer than this.
LONGEST_CALL: Final = timedelta(seconds=10)

# A connect, or a disconnect of another product, may fence off the tokens that are being used. That
# does not say that the grant has ended: one more try, with what is stored then.
_TRIES: Final = 2

# A channel by its two ids; the mailbox's own watch by none.
_Wanted = tuple[str, str] | None


class Outcome(StrEnum):
    """What became of the watches of an integration."""

    # There was nothing to stop.
    NONE = "none"
    STOPPED = "stopped"
    # The provider did not say that all of them are: what is left ends by itself.
    UNANSWERED = "unanswered"
    # No token opened that the provider accepts: what is left ends by itself.
    NO_ACCESS = "no_access"
    # Another connection of the same account goes by the same watch.
    NEEDED_ELSEWHERE = "needed_elsewhere"


@dataclass(frozen=True, slots=True)
class Stopped:
    """:param lapse_by: until when the provider may go on telling; None: it tells no more"""

    outcome: Outcome
    lapse_by: datetime | None = None


def lapse_by(integration_id: UUID, *, at: datetime) -> datetime | None:
    """Return until when the provider may go on telling if nobody stops it; None: it does not."""
    rows = Watch.objects.filter(integration_id=integration_id, expires_at__gt=at)
    latest: datetime | None = rows.aggregate(latest=Max("expires_at"))["latest"]
    return latest


def stop(integration_id: UUID, *, now: Callable[[], datetime]) -> Stopped:
    """
    Ask the provider once to tell no more of anything of the integration's.

    Raises nothing that the provider, the grant or a key are to blame for.
    """
    outcome = Outcome.NO_ACCESS
    for _ in range(_TRIES):
        integration = Integration.objects.select_related("connection").get(id=integration_id)
        outcome = _attempt(integration, at=now())
        if outcome is not Outcome.NO_ACCESS or not _has_changed(integration.connection):
            break
    logger.info("watch.stop_tried", extra={"integration_id": integration_id, "outcome": outcome})
    if outcome in {Outcome.NO_ACCESS, Outcome.UNANSWERED}:
        return Stopped(outcome, lapse_by(integration_id, at=now()))
    return Stopped(outcome)


def _attempt(integration: Integration, *, at: datetime) -> Outcome:
    rows = list(Watch.objects.filter(integration=integration).order_by("id"))
    if not rows:
        return Outcome.NONE
    is_needed = accounts.needs_mailbox_watch(integration)
    try:
        wanted = _wanted(integration, rows, at=at, without_mailbox=is_needed)
        if not wanted:
            return Outcome.NEEDED_ELSEWHERE if is_needed else Outcome.NONE
        token = last_access.of(integration.connection, at=at)
        outcome = _within_bounds(PROVIDERS[integration.connection.provider], wanted, token)
        token.keep()
    except Exception as bug:
        # A key that is gone, a refusal, a bug: none of it may keep our own rows here.
        traces.clear(bug)
        logger.exception("watch.not_stopped", extra={"integration_id": integration.id})
        return Outcome.NO_ACCESS
    return outcome


def _has_changed(read: Connection) -> bool:
    """Return whether permits and tokens that were read with `read` had been fenced off since."""
    return Connection.objects.filter(id=read.id).exclude(epoch=read.epoch).exists()


def _wanted(
    integration: Integration, rows: Sequence[Watch], *, at: datetime, without_mailbox: bool
) -> list[_Wanted]:
    found: list[_Wanted] = []
    if any(row.kind == WatchKind.TOPIC for row in rows) and not without_mailbox:
        found.append(None)
    # One that the provider has not answered about has no id to be stopped by.
    answered = [row.channel for row in rows if row.resource_blind is not None]
    sealed = [one for one in answered if one is not None]
    if sealed:
        permit = permits.to_stop(connection_id=integration.connection_id, at=at)
        for one in sealed:
            to = integration.connection_id
            opened = json.loads(own_provider.credential(one, permit, to=to, at=at))
            found.append((opened["id"], opened["resource_id"]))
    return found


def _within_bounds(provider: Provider, wanted: Sequence[_Wanted], token: LastToken) -> Outcome:
    # A client's timeouts are per read, and there may be many to stop. The thread touches no
    # database, and is left to itself after the bound.
    answers: Queue[Outcome] = Queue()

    def call() -> None:
        answers.put(_stop_each(provider, wanted, token))

    Thread(target=call, daemon=True, name="stop-watches").start()
    try:
        return answers.get(timeout=LONGEST_CALL.total_seconds())
    except Empty:
        return Outcome.UNANSWERED


def _stop_each(provider: Provider, wanted: Sequence[_Wanted], token: LastToken) -> Outcome:
    outcome = Outcome.STOPPED
    for one in wanted:
        try:
            _stop(provider, one, token)
        except (errors.GrantRevoked, errors.TokenRejected):
            return Outcome.NO_ACCESS
        except errors.ProviderError:
            outcome = Outcome.UNANSWERED
        except Exception as bug:
            # As in a sync: no report has the ids that its frames held.
            traces.clear(bug)
            logger.exception("watch.not_stopped", extra={"provider": provider.key})
            outcome = Outcome.UNANSWERED
    return outcome


def _stop(provider: Provider, wanted: _Wanted, token: LastToken) -> None:
    try:
        _stop_with(provider, wanted, token.access)
    except errors.TokenRejected:
        pass
    else:
        return
    token.renew()
    _stop_with(provider, wanted, token.access)


def _stop_with(provider: Provider, wanted: _Wanted, access: Access) -> None:
    if wanted is None and provider.watch_mail is not None:
        with provider.watch_mail(access) as watch:
            watch.stop()
    elif wanted is not None and provider.subscriptions is not None:
        with provider.subscriptions(access) as there:
            there.stop(wanted[1])
    elif wanted is not None and provider.watch_calendars is not None:
        with provider.watch_calendars(access) as channels:
            channels.stop(*wanted)
