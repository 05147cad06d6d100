"""
Start, renew, follow and stop watches at the provider, from wherever a row stands.

What is wrong ends in a row of `failing`; the sync goes on by asking, whatever becomes of a watch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from accounts import row_owner
from integrations.fences import NoLongerLive
from integrations.models import WatchKind, WatchStatus
from integrations.providers import errors
from limited_use import traces
from limited_use.guard import Refused
from limited_use.vault.keyring import KeyStoreUnavailable
from limited_use.vault.keys import Destroyed
from limited_use.vault.records import Unopenable

from . import channels, claims, failing, mailboxes, pauses, subscribing
from .claims import LeaseLost
from .turns import Postponed, Turn

logger = logging.getLogger(__name__)

# What cannot be done now, and is nobody's fault.
PAUSE: Final = timedelta(seconds=30)
# What was decided stands for a while: asked again and again, it would fill the ledger.
_REFUSED: Final = (Refused, Destroyed, Unopenable, errors.GrantRevoked)


def keep(*, watch_id: UUID, now: Callable[[], datetime] = timezone.now) -> UUID | None:
    """
    Do what is due about one watch; return the sync work that a worker has to be queued for.

    That is the work of a resource whose watch started or ended: nobody was told of its changes.

    :param now: the clock
    :raises claims.NotClaimed: if nothing is, or somebody else is at it
    """
    lease_for = timedelta(seconds=settings.LEASE_SECONDS)
    claim, watch = claims.claim(watch_id=watch_id, at=now(), lease_for=lease_for)
    account = watch.connection
    with row_owner.acting_for(account.user_id, account.organisation_id):
        turn = Turn(claim, watch, now)
        _take(turn)
        return turn.due_work_id


def _take(turn: Turn) -> None:
    try:
        _act(turn)
    except LeaseLost:
        pass
    except Postponed as postponed:
        turn.rest(timedelta(seconds=postponed.wait))
    except (NoLongerLive, KeyStoreUnavailable):
        turn.rest(PAUSE)
    except _REFUSED:
        turn.rest(pauses.LONGEST)
    except errors.ProviderError as error:
        failing.record(turn, error)
    except Exception as bug:
        # It pages a developer, and must not come back every second. As in a sync, no report has
        # what its frames held.
        traces.clear(bug)
        logger.exception("watch.crashed", extra=turn.about)
        turn.rest(pauses.LONGEST)
        raise


def _act(turn: Turn) -> None:
    watch = turn.watch
    is_subscribed = subscribing.is_way_of(turn.provider)
    if watch.status == WatchStatus.LEAVING:
        _stop(turn)
    elif watch.kind == WatchKind.TOPIC:
        mailboxes.start(turn)
    elif watch.status == WatchStatus.WANTED:
        (subscribing if is_subscribed else channels).open_(turn)
    elif is_subscribed:
        subscribing.renew(turn)
    else:
        channels.follow(turn)


def _stop(turn: Turn) -> None:
    watch = turn.watch
    try:
        if watch.kind == WatchKind.TOPIC:
            mailboxes.stop(turn)
        elif subscribing.is_way_of(turn.provider):
            subscribing.stop(turn)
        else:
            channels.stop(turn)
    except errors.ProviderError:
        # Worth another try only for as long as it would go on by itself.
        if watch.expires_at is not None and watch.expires_at > turn.clock():
            raise
    claims.forget(turn.claim)
    logger.info("watch.stopped", extra=turn.about)
