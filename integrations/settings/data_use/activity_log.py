"""
The person's own ledger entries.

The signed-in person alone determines the subjects. No parameter names a subject, so no other
person, staff included, can request these entries.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

from django.utils.translation import gettext

from accounts import display_times
from accounts.models import Delegation
from integrations.access import ledger_pseudonyms
from integrations.models import Connection, Integration
from integrations.providers import PROVIDERS
from limited_use.agreements import consents
from limited_use.ledger import entries, subject_access
from limited_use.ledger.entry_filters import EntryActor, get_entry_actor
from limited_use.ledger.subject_access import SubjectLedgerEntry
from limited_use.models import Leaf

from . import activity_labels, messages
from .activity_filters import ActivityQuery

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

PAGE_SIZE: Final = 25
# A download is cut off after this many entries, and says so.
MAX_ENTRIES: Final = 100_000
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class LedgerSubjects:
    """The person's objects in one organisation, and their pseudonyms in the ledger."""

    # Connection by pseudonym; None: the person's own agreements and delegations, and what support
    # did for the person.
    names: Mapping[bytes, UUID | None]
    # The person's pseudonyms as an actor.
    person: frozenset[str]
    # Labels that open no sealed value.
    connections: Mapping[UUID, str]

    def list_names(self, connection_id: UUID | None) -> list[bytes]:
        """:param connection_id: None: all"""
        return [
            name
            for name, named_id in self.names.items()
            if connection_id is None or named_id == connection_id
        ]


@dataclass(frozen=True, slots=True)
class ActivityLine:
    entry: SubjectLedgerEntry
    actor: EntryActor
    who: str
    # The purpose; for an event that is no use: the event.
    what: str
    feature: str
    data: str
    recipient: str
    outcome: StrOrPromise
    tone: str
    # Why it was refused, or which rule allows it.
    reason: str
    connection_id: UUID | None
    connection: str


def find_subjects(*, user_id: UUID, organisation_id: UUID) -> LedgerSubjects:
    owner = {"user_id": user_id, "organisation_id": organisation_id}
    parents = dict(Integration.objects.owned_by(**owner).values_list("id", "connection_id"))
    names: dict[bytes, UUID | None] = {
        name: parents.get(subject_id, subject_id)
        for name, subject_id in ledger_pseudonyms.get_resource_pseudonyms(**owner).items()
    }
    agreements = consents.list_consents(owner_id=user_id, organisation_id=organisation_id)
    for queryset in (agreements, Delegation.objects.of(user_id, organisation_id)):
        for subject_id in queryset.values_list("id", flat=True):
            names[bytes.fromhex(entries.get_ledger_pseudonym(subject_id))] = None
    # Support acts for a person, in whichever organisation.
    names |= dict.fromkeys(ledger_pseudonyms.get_support_pseudonyms(user_id=user_id))
    connections = Connection.objects.owned_by(**owner).order_by("-connected_at", "-id")
    return LedgerSubjects(
        names,
        ledger_pseudonyms.get_actor_pseudonyms(**owner),
        {connection.id: _describe_connection(connection) for connection in connections},
    )


def get_activity_page(
    subjects: LedgerSubjects, query: ActivityQuery, *, after: UUID | None
) -> tuple[list[ActivityLine], UUID | None]:
    """Return a page, newest first, and the id after which the next page starts."""
    own_entries = _query_entries(subjects, query, after=after, limit=PAGE_SIZE + 1)
    next_after = own_entries[PAGE_SIZE - 1].id if len(own_entries) > PAGE_SIZE else None
    return [_make_line(entry, subjects) for entry in own_entries[:PAGE_SIZE]], next_after


def get_newest_moment(subjects: LedgerSubjects, query: ActivityQuery) -> datetime | None:
    newest = _query_entries(subjects, query, after=None, limit=1)
    return newest[0].at if newest else None


def iterate_lines(
    subjects: LedgerSubjects, query: ActivityQuery, *, limit: int = MAX_ENTRIES
) -> Iterator[ActivityLine]:
    """Yield lines, newest first; entries are read in batches."""
    after, remaining = None, limit
    while remaining:
        own_entries = _query_entries(subjects, query, after=after, limit=min(_BATCH, remaining))
        for entry in own_entries:
            yield _make_line(entry, subjects)
        if len(own_entries) < _BATCH:
            return
        after, remaining = own_entries[-1].id, remaining - len(own_entries)


def is_own_entry(subjects: LedgerSubjects, entry_id: UUID) -> bool:
    return Leaf.objects.filter(id=entry_id, subject__in=list(subjects.names)).exists()


def _query_entries(
    subjects: LedgerSubjects, query: ActivityQuery, *, after: UUID | None, limit: int
) -> list[SubjectLedgerEntry]:
    return subject_access.find_subject_entries(
        subjects.list_names(query.connection),
        query.make_entry_filter(subjects.person),
        after=after,
        limit=limit,
    )


def _make_line(entry: SubjectLedgerEntry, subjects: LedgerSubjects) -> ActivityLine:
    connection_id = subjects.names.get(entry.subject)
    actor = get_entry_actor(entry.actor_kind, is_owner=entry.actor in subjects.person)
    outcome, tone = messages.OUTCOME.get(entry.outcome or "", messages.RECORDED)
    is_refused = entry.outcome == "refused"
    return ActivityLine(
        entry=entry,
        actor=actor,
        who=activity_labels.describe_actor(
            actor, event=entry.event, recipient=entry.recipient, feature=entry.feature
        ),
        what=(
            activity_labels.describe_event(entry.event, None)
            if entry.outcome is None
            else activity_labels.describe_purpose(entry.purpose)
        ),
        feature=activity_labels.get_feature_title(entry.feature),
        data=str(messages.DATA_CLASS.get(entry.data_class or "", "")),
        recipient=activity_labels.describe_recipient(entry.recipient),
        outcome=outcome,
        tone=tone,
        reason=(
            activity_labels.explain_refusal(entry.rule, entry.missing)
            if is_refused
            else activity_labels.get_rule_text(entry.rule)
        ),
        connection_id=connection_id,
        connection=subjects.connections.get(connection_id, "") if connection_id else "",
    )


def _describe_connection(connection: Connection) -> str:
    # Without the address: opening it would be a use of data, recorded in this list.
    text = gettext("%(provider)s, connected on %(day)s") % {
        "provider": PROVIDERS[connection.provider].label,
        "day": display_times.format_moment(connection.connected_at),
    }
    if connection.ended_at is None:
        return text
    return gettext("%(account)s (removed)") % {"account": text}
