"""
A calendar that lives here as a file for its owner, written while it is downloaded.

As `exports` does for mail: never more than a part of it is in memory, each part has permits of its
own, and it dies with what it is of. Broken off it has no END, so no reader takes it for whole.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.db.models.functions import Length

from accounts.actors import Actor
from accounts.models import User
from accounts.rate_limits import Rate
from integrations.access import calendar_permits
from integrations.access.request_context import NotFound
from integrations.formats.event import When
from integrations.formats.icalendar import writer
from integrations.models import Calendar, Event, EventKind
from limited_use.guard.guard import Refused
from limited_use.sinks import export as export_sink
from limited_use.sinks.rows import Row
from limited_use.vault.envelope import Unopenable
from limited_use.vault.keyring.port import KeyStoreUnavailable

from . import event_codec, local_events

logger = logging.getLogger(__name__)

#: A file keeps a thread of a web process for as long as it is downloaded.
RATE: Final = Rate("calendar-file", 30, 3600)
# Events of one part, and sealed bytes: at least one event, however long.
_MOST_EVENTS: Final = 200
_MOST_BYTES: Final = 1024 * 1024
# Times alone are small.
_MOST_TIMES: Final = 2_000


def stream(*, actor: Actor, calendar_id: UUID, now: Callable[[], datetime]) -> Iterator[bytes]:
    """
    Yield a calendar that lives here as a file (RFC 5545), part by part.

    Before the first part it is decided that there may be one; after that, what goes wrong ends the
    file before its end.

    :raises integrations.access.request_context.NotFound: if there is no such calendar of theirs
    :raises guard.Refused: if the policy does not allow it
    """
    [calendar] = local_events.mine(actor, [calendar_id])
    head = _head(calendar, actor, now())
    return _rest(head, calendar, actor, now)


def _rest(
    head: bytes, calendar: Calendar, actor: Actor, now: Callable[[], datetime]
) -> Iterator[bytes]:
    yield head
    # It is open, and given: who reports a failure of what follows would find it in this frame.
    del head
    after: UUID | None = None
    owner = User.objects.values_list("email", flat=True).get(id=calendar.user_id)
    try:
        while part := _part(calendar.id, after):
            yield _opened(part, calendar, actor, now(), _Written(now(), owner).event)
            after = part[-1].row.id
        # Once more at the end: one that was removed has no rows, and that is not an empty rest.
        local_events.mine(actor, [calendar.id])
        yield writer.end()
    except (Refused, Unopenable, KeyStoreUnavailable, NotFound):
        logger.warning("calendar_file.interrupted", extra={"about": calendar.id})


def _head(calendar: Calendar, actor: Actor, at: datetime) -> bytes:
    used: set[str] = set()
    after: UUID | None = None
    while rows := _times(calendar.id, after):
        named = _opened(rows, calendar, actor, at, _zones)
        used |= {one for one in named.decode().split("\n") if one}
        after = rows[-1].row.id
    about = Row(calendar, {"about": calendar.about})

    def shape(_: object, opened: Mapping[str, bytes]) -> bytes:
        told = orjson.loads(opened["about"])
        return writer.head(name=told["name"], zone=told["zone"], zones_used=used)

    return _opened([about], calendar, actor, at, shape)


def _opened(
    rows: list[Row], calendar: Calendar, actor: Actor, at: datetime, shape: export_sink.Shape
) -> bytes:
    permits = calendar_permits.to_export(actor=actor, calendar=calendar, count=len(rows), at=at)
    return export_sink.part(rows, permits=permits, actor=actor, shape=shape, at=at)


def _zones(_: object, opened: Mapping[str, bytes]) -> bytes:
    """Return the names of the zones that an event is in, and nothing else of it."""
    used = writer.zones_of(event_codec.read_content(opened["timing"], None))
    return "".join(f"{one}\n" for one in used).encode()


@dataclass(slots=True)
class _Written:
    """Writes rows of a part; what was cancelled in a series comes before its series."""

    at: datetime
    owner: str
    without: dict[bytes, list[When]] = field(default_factory=dict)

    def event(self, row: Event, opened: Mapping[str, bytes]) -> bytes:
        original = event_codec.read_original(opened["timing"])
        if row.kind == EventKind.CANCELLED:
            if original is not None and row.series_blind is not None:
                self.without.setdefault(bytes(row.series_blind), []).append(original)
            return b""
        remote = event_codec.read_remote(opened["remote"])
        return writer.event(
            event_codec.read_content(
                opened["timing"],
                opened["content"],
                is_busy=row.is_busy,
                is_private=row.is_private,
            ),
            uid=remote.ical_uid,
            at=self.at,
            sequence=remote.sequence,
            owner=self.owner,
            organizer=orjson.loads(opened["content"]).get("organizer", ""),
            original=original,
            without=self.without.pop(bytes(row.remote_blind), ()),
        )


def _times(calendar_id: UUID, after: UUID | None) -> list[Row]:
    rows = _following(calendar_id, after).defer("content", "remote")[:_MOST_TIMES]
    return [Row(one, {"timing": one.timing}) for one in rows]


def _part(calendar_id: UUID, after: UUID | None) -> list[Row]:
    """Return the next events in the order of their ids, behind what was cancelled in them."""
    ids: list[UUID] = []
    total = 0
    sizes = _following(calendar_id, after).values_list("id", Length("content"))
    for event_id, size in sizes[:_MOST_EVENTS]:
        total += size or 0
        if ids and total > _MOST_BYTES:
            break
        ids.append(event_id)
    found = list(Event.objects.filter(id__in=ids).order_by("id"))
    blinds = [one.remote_blind for one in found if one.kind == EventKind.SERIES]
    cancelled = Event.objects.filter(
        calendar_id=calendar_id, series_blind__in=blinds, kind=EventKind.CANCELLED
    )
    return [_row(one) for one in (*cancelled, *found)]


def _following(calendar_id: UUID, after: UUID | None) -> QuerySet[Event]:
    rows = Event.objects.filter(calendar_id=calendar_id).exclude(kind=EventKind.CANCELLED)
    return (rows if after is None else rows.filter(id__gt=after)).order_by("id")


def _row(one: Event) -> Row:
    return Row(one, {"timing": one.timing, "content": one.content, "remote": one.remote})
