"""
An event that its owner opens to support for a limited time.

One row of an event is opened: a single event, a whole series without its exceptions, or one
changed occurrence without its series. Support sees its id, end time and organisation; content only
through the sink, under a permit that names the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from accounts.actors import Actor
from integrations.access import support_consents, support_permits
from integrations.access.request_context import ObjectNotFound, get_owner_ids
from integrations.models import LIVE, Event, EventKind
from limited_use.models import Consent
from limited_use.sinks.sealed_rows import Permits, SealedRow

# The columns of an event that a process of staff may read.
_COLUMNS: Final = ("id", "cache_id", "kind", "is_busy", "is_private", "timing", "content")


@dataclass(frozen=True, slots=True)
class SupportEventRow:
    """The row of an opened event without its sealed columns."""

    id: UUID
    kind: str
    is_busy: bool
    is_private: bool


@dataclass(frozen=True, slots=True)
class PermittedEvent:
    row: SealedRow
    permits: Permits


def get_own_event(*, actor: Actor, event_id: UUID) -> Event:
    """
    :param event_id: of a row; an unchanged occurrence has the row of its series
    :raises ObjectNotFound: also for a cancelled occurrence, which has no content
    """
    user_id, organisation_id = get_owner_ids(actor)
    events = Event.objects.filter(
        id=event_id,
        user_id=user_id,
        organisation_id=organisation_id,
        calendar__user_id=user_id,
        calendar__organisation_id=organisation_id,
        calendar__gone_at=None,
        calendar__integration__status__in=LIVE,
    )
    event = events.exclude(kind=EventKind.CANCELLED).first()
    if event is None:
        raise ObjectNotFound
    return event


def open_to_support(  # noqa: PLR0913 - whose item, for how long, by which text, to whom
    *,
    actor: Actor,
    event_id: UUID,
    hours: int,
    version: int,
    at: datetime,
    reader_id: UUID | None = None,
) -> Consent:
    """
    :param event_id: see `get_own_event`
    :param version: of the accepted text
    :param reader_id: the only agent who may read it; None: any agent
    :raises ObjectNotFound:
    :raises InvalidChoice: if `hours` is not one of `support_consents.HOURS`
    :raises consents.DeclarationOutdated: if the text has changed since
    """
    event = get_own_event(actor=actor, event_id=event_id)
    return support_consents.give(
        owner_id=event.user_id,
        organisation_id=event.organisation_id,
        item_id=event.id,
        hours=hours,
        version=version,
        at=at,
        reader_id=reader_id,
    )


def withdraw_access(*, actor: Actor, event_id: UUID, at: datetime) -> bool:
    """
    Return whether the event was open.

    :raises ObjectNotFound:
    """
    event = get_own_event(actor=actor, event_id=event_id)
    return support_consents.withdraw(
        owner_id=event.user_id,
        organisation_id=event.organisation_id,
        item_id=event.id,
        at=at,
    )


def get_permitted_event(*, actor: Actor, event_id: UUID, at: datetime) -> PermittedEvent:
    """
    A refusal is recorded, too.

    :raises limited_use.guard.guard.AccessRefused: if the event is not open to the agent
    :raises ObjectNotFound: if it was deleted
    """
    with support_permits.acting_for_item_owner(event_id, actor=actor, at=at):
        permits = support_permits.to_show_event(actor=actor, event_id=event_id, at=at)
        event = Event.objects.only(*_COLUMNS).filter(id=event_id).first()
    if event is None:
        raise ObjectNotFound
    row = SupportEventRow(event.id, event.kind, event.is_busy, event.is_private)
    return PermittedEvent(
        SealedRow(row, {"timing": event.timing, "content": event.content}), permits
    )
