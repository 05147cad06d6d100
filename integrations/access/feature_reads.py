"""
Notes which platform features received data of which integrations, and when they last did.

A disconnect, a withdrawal and a deletion at the provider tell each noted feature to delete its
copies (`integrations.purge.feature_removals`). So the note is committed before the permit reaches
the caller: no note, no read. Only permits to show mail and calendars count. A feature that proposes
a draft or a file receives nothing.

The note locks the live integration, as a disconnect does, and the live delegation, as switching
off does. Either the note comes first, and the removals include the feature; or it comes second,
finds nothing live and refuses the read. The locks are shared, so that reads do not wait for each
other, and their order is that of all writers (see "Lock order" in the README).

A process repeats a note once a minute. A repeated note is not needed for the fence: the row exists
until a purge deletes it, and by then the integration is not live and nothing of it opens. An
integration or a delegation that begins again has another id.

A message that is deleted between the load of its row and the very first note of its integration is
not named to the feature by itself; it is removed with the integration.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final
from uuid import UUID

from django.db import connection as database
from django.db import transaction

from accounts.actors import Actor, ActorKind
from accounts.ids import uuid7
from integrations.models import LIVE

from . import fences

NOTED_FOR: Final = timedelta(minutes=1)
#: Notes that a process remembers.
MAX_REMEMBERED: Final = 10_000

_LOCK_INTEGRATIONS: Final = """
SELECT id FROM integrations_integration WHERE id = ANY(%s) AND status = ANY(%s)
 ORDER BY id FOR SHARE
"""
_LOCK_DELEGATION: Final = """
SELECT id FROM accounts_delegation WHERE id = %s AND epoch = %s AND switched_off_at IS NULL
   FOR SHARE
"""
_NOTE: Final = """
INSERT INTO integrations_featureread AS r (id, integration_id, user_id, organisation_id, feature,
    delegation_id, first_read_at, last_read_at)
SELECT n.id, n.integration_id, %s, %s, %s, %s, %s, %s
  FROM unnest(%s::uuid[], %s::uuid[]) AS n (id, integration_id)
    ON CONFLICT (integration_id, feature) DO UPDATE SET delegation_id = excluded.delegation_id,
       last_read_at = greatest(r.last_read_at, excluded.last_read_at)
"""

_Note = tuple[UUID, str | None, UUID | None, int | None]

# By note: when this process last wrote it.
_noted: OrderedDict[_Note, datetime] = OrderedDict()
_noted_lock = Lock()


def record_feature_reads(*, actor: Actor, integration_ids: Iterable[UUID], at: datetime) -> None:
    """
    Note that the client's feature is about to read; do nothing for another actor.

    :raises fences.DisconnectedError: if an integration or the delegation has ended
    :raises RuntimeError: inside a transaction, which could roll back
    """
    if actor.kind != ActorKind.CLIENT:
        return
    ids = sorted(
        integration_id
        for integration_id in set(integration_ids)
        if not _is_noted(_make_note(actor, integration_id), at)
    )
    if not ids:
        return
    with transaction.atomic(durable=True), database.cursor() as cursor:
        cursor.execute(_LOCK_INTEGRATIONS, [ids, list(LIVE)])
        if len(cursor.fetchall()) != len(ids):
            raise fences.DisconnectedError
        cursor.execute(_LOCK_DELEGATION, [actor.delegation_id, actor.delegation_epoch])
        if not cursor.fetchall():
            raise fences.DisconnectedError
        read = [actor.user_id, actor.organisation_id, actor.feature, actor.delegation_id, at, at]
        cursor.execute(_NOTE, [*read, [uuid7() for _ in ids], ids])
    for integration_id in ids:
        _remember(_make_note(actor, integration_id), at)


def _make_note(actor: Actor, integration_id: UUID) -> _Note:
    return (integration_id, actor.feature, actor.delegation_id, actor.delegation_epoch)


def _is_noted(note: _Note, at: datetime) -> bool:
    with _noted_lock:
        noted_at = _noted.get(note)
    # A clock that was set back proves nothing.
    return noted_at is not None and timedelta() <= at - noted_at < NOTED_FOR


def _remember(note: _Note, at: datetime) -> None:
    with _noted_lock:
        _noted[note] = at
        _noted.move_to_end(note)
        while len(_noted) > MAX_REMEMBERED:
            _noted.popitem(last=False)
