"""
Who did: a person's own entries of the ledger, in plain words.

Whose entries they are follows from the signed-in person alone. No parameter
names a subject, so nobody, staff included, can ask for another's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from accounts.models import Delegation
from integrations.access import ledger_pseudonyms
from integrations.models import Connection, Integration
from integrations.providers import PROVIDERS
from limited_use.agreements import consents
from limited_use.ledger import entries, subject_access
from limited_use.ledger.subject_access import OwnEntry
from limited_use.models import Leaf

from . import labels
from .filters import Question

PAGE: Final = 50
# A download ends after so many entries, and says so.
MOST: Final = 100_000
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Own:
    """What is a person's in one organisation, and what the ledger calls it."""

    # By name, the connection that it hangs on; None: the person's own agreements and switches.
    names: Mapping[bytes, UUID | None]
    # By which names the person acts.
    person: frozenset[str]
    # In words that open nothing.
    connections: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One entry, with its words."""

    entry: OwnEntry
    who: str
    what: str
    feature: str
    data: str
    recipient: str
    outcome: str
    tone: str
    says: str
    connection_id: UUID | None
    connection: str


def of_person(*, user_id: UUID, organisation_id: UUID) -> Own:
    """Return what to look for on behalf of a person, in an organisation of theirs."""
    whose = {"user_id": user_id, "organisation_id": organisation_id}
    parents = dict(Integration.objects.owned_by(**whose).values_list("id", "connection_id"))
    names: dict[bytes, UUID | None] = {
        name: parents.get(one, one) for name, one in ledger_pseudonyms.of_owner(**whose).items()
    }
    agreements = consents.history(owner_id=user_id, organisation_id=organisation_id)
    for theirs in (agreements, Delegation.objects.of(user_id, organisation_id)):
        for one in theirs.values_list("id", flat=True):
            names[bytes.fromhex(entries.pseudonym(one))] = None
    mine = Connection.objects.owned_by(**whose).order_by("-connected_at", "-id")
    return Own(
        names,
        ledger_pseudonyms.of_person(**whose),
        {one.id: _connection_words(one) for one in mine},
    )


def page(own_things: Own, asked: Question, *, after: UUID | None) -> tuple[list[Line], UUID | None]:
    """Return a page of lines, the newest first, and after which the next begins, if any does."""
    found = _found(own_things, asked, after=after, limit=PAGE + 1)
    more = found[PAGE - 1].id if len(found) > PAGE else None
    return [_line(one, own_things) for one in found[:PAGE]], more


def lines(own_things: Own, asked: Question, *, most: int = MOST) -> Iterator[Line]:
    """Yield the lines, the newest first, up to `most`. Reads on as they are taken."""
    after, left = None, most
    while left:
        found = _found(own_things, asked, after=after, limit=min(_BATCH, left))
        for one in found:
            yield _line(one, own_things)
        if len(found) < _BATCH:
            return
        after, left = found[-1].id, left - len(found)


def is_own(own_things: Own, entry_id: UUID) -> bool:
    """Return whether an entry is about something of the person's."""
    return Leaf.objects.filter(id=entry_id, subject__in=list(own_things.names)).exists()


def _found(own_things: Own, asked: Question, *, after: UUID | None, limit: int) -> list[OwnEntry]:
    return subject_access.entries_of(
        [
            name
            for name, connection_id in own_things.names.items()
            if asked.connection is None or asked.connection == connection_id
        ],
        since=asked.since,
        until=asked.until,
        feature=asked.feature,
        purpose=asked.purpose,
        outcome=asked.outcome,
        by_service=asked.by_service,
        after=after,
        limit=limit,
    )


def _line(entry: OwnEntry, own_things: Own) -> Line:
    connection_id = own_things.names.get(entry.subject)
    outcome, tone = labels.OUTCOME.get(entry.outcome or "", labels.RECORDED)
    return Line(
        entry=entry,
        who=labels.who(entry, is_owner=entry.actor in own_things.person),
        what=labels.what(entry),
        feature=labels.feature(entry.feature),
        data=labels.DATA_CLASS.get(entry.data_class or "", entry.data_class or ""),
        recipient=labels.recipient(entry),
        outcome=outcome,
        tone=tone,
        says=labels.rule(entry.rule),
        connection_id=connection_id,
        connection=own_things.connections.get(connection_id, "") if connection_id else "",
    )


def _connection_words(connection: Connection) -> str:
    # Not its address: to say that, it would have to be opened, and looking would be a use.
    at = connection.connected_at
    said = f"{PROVIDERS[connection.provider].label}, connected {at.day} {at:%b %Y, %H:%M}"
    return said if connection.ended_at is None else f"{said}, removed"
