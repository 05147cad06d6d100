"""
Disconnect many connections by criteria: proposed by one member of staff, decided by a second one.

A staff process only orders: a worker counts, disconnects and stops (`bulk_runner`).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.actors import Actor
from accounts.models import Organisation
from integrations.access.request_context import get_owner_ids
from integrations.coordination.task_queue import enqueue_on_commit
from integrations.models import (
    BULK_ENDED,
    MAX_TEXT,
    BulkRevocation,
    BulkState,
    SupportReason,
)
from integrations.providers import get_connectable_provider
from limited_use.ledger import entries

from . import lookups, signed_orders

#: A proposal that nobody decides within this time is rejected by itself.
DECIDED_WITHIN: Final = timedelta(hours=24)


class BulkInvalid(Exception):
    """A criterion or the justification is missing or not valid; a form says which one."""


class OrganisationUnknown(BulkInvalid):
    """No organisation has exactly this id."""


class BulkNotOpen(Exception):
    """It is unknown, already decided or ended, or waited too long."""


class SecondPersonNeeded(Exception):
    """Whoever proposed a bulk revocation cannot decide about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkProposal:
    """
    What a support agent proposes. A connection has to match each given criterion, at least one.

    :param provider: its key; empty: every provider
    :param connected_until: None: the time of the proposal, which is also the latest
    :param text: what the people concerned are told
    """

    organisation_id: UUID | None = None
    provider: str = ""
    connected_from: datetime | None = None
    connected_until: datetime | None = None
    reason: SupportReason
    text: str
    ticket: str

    @property
    def has_criterion(self) -> bool:
        return bool(self.organisation_id or self.provider or self.connected_from)


def find_organisation(typed: str) -> UUID:
    """
    Return the id of the organisation whose id or platform id is exactly this text.

    :raises OrganisationUnknown:
    """
    match = Q(platform_id=typed)
    with suppress(ValueError):
        match |= Q(id=UUID(typed))
    organisation_ids = list(Organisation.objects.filter(match).values_list("id", flat=True)[:2])
    if len(organisation_ids) != 1:
        raise OrganisationUnknown
    return organisation_ids[0]


def propose_bulk(proposal: BulkProposal, *, actor: Actor, at: datetime) -> BulkRevocation:
    """
    Store the proposal. A worker counts what it would disconnect before anybody can decide.

    :raises BulkInvalid:
    """
    agent_id = _get_person_id(actor)
    until = min(proposal.connected_until or at, at)
    _check_proposal(proposal, until)
    with transaction.atomic(durable=True):
        bulk = BulkRevocation(
            agent_id=agent_id,
            organisation_id=proposal.organisation_id,
            provider=proposal.provider,
            connected_from=proposal.connected_from,
            connected_until=until,
            reason=proposal.reason,
            text=proposal.text,
            ticket=proposal.ticket,
            asked_at=at,
            next_try_at=at,
        )
        bulk.signature = signed_orders.sign_proposal(bulk)
        bulk.save(force_insert=True)
        since = proposal.connected_from
        entries.record_ledger_event(
            event="bulk_revocation.proposed",
            about=bulk.id,
            body={
                "agent": entries.get_ledger_pseudonym(agent_id),
                "organisation": get_pseudonym(proposal.organisation_id),
                "provider": proposal.provider,
                "connected_from": entries.to_milliseconds(since) if since else None,
                "connected_until": entries.to_milliseconds(until),
                "reason": str(proposal.reason),
            },
            at=at,
        )
        enqueue_on_commit("integrations.run_bulk_revocation", bulk_id=bulk.id)
    return bulk


def _check_proposal(proposal: BulkProposal, until: datetime) -> None:
    """:raises BulkInvalid:"""
    if (
        not proposal.has_criterion
        or (proposal.provider and get_connectable_provider(proposal.provider) is None)
        or (proposal.connected_from is not None and proposal.connected_from >= until)
        or not 0 < len(proposal.text) <= MAX_TEXT
        or not lookups.is_ticket(proposal.ticket)
    ):
        raise BulkInvalid


def approve_bulk(bulk_id: UUID, *, actor: Actor, at: datetime) -> None:
    """
    :raises BulkNotOpen:
    :raises SecondPersonNeeded:
    """
    with transaction.atomic(durable=True):
        bulk = _decide(bulk_id, actor=actor, at=at, state=BulkState.RUNNING, next_try_at=at)
        entries.record_ledger_event(
            event="bulk_revocation.approved",
            about=bulk_id,
            body={
                "agent": entries.get_ledger_pseudonym(bulk.agent_id),
                "decided_by": entries.get_ledger_pseudonym(_get_person_id(actor)),
                "connections": bulk.counts.get("connections", 0),
                "people": bulk.counts.get("people", 0),
            },
            at=at,
        )
        enqueue_on_commit("integrations.run_bulk_revocation", bulk_id=bulk_id)


def reject_bulk(bulk_id: UUID, *, actor: Actor, at: datetime) -> None:
    """
    :raises BulkNotOpen:
    :raises SecondPersonNeeded:
    """
    with transaction.atomic(durable=True):
        bulk = _decide(bulk_id, actor=actor, at=at, state=BulkState.REJECTED, ended_at=at)
        record_rejection(bulk, decided_by=_get_person_id(actor), at=at)


def record_rejection(bulk: BulkRevocation, *, decided_by: UUID | None, at: datetime) -> None:
    """:param decided_by: None if the time to decide has passed"""
    entries.record_ledger_event(
        event="bulk_revocation.rejected",
        about=bulk.id,
        body={
            "agent": entries.get_ledger_pseudonym(bulk.agent_id),
            "decided_by": get_pseudonym(decided_by),
            "connections": bulk.counts.get("connections", 0),
        },
        at=at,
    )


def stop_bulk(bulk_id: UUID, *, actor: Actor, at: datetime) -> None:
    """
    Stop it whoever proposed it, also before a decision. The worker ends within one batch.

    :raises BulkNotOpen:
    """
    person_id = _get_person_id(actor)
    with transaction.atomic(durable=True):
        open_bulk = BulkRevocation.objects.filter(id=bulk_id).exclude(state__in=BULK_ENDED)
        if not open_bulk.update(
            state=BulkState.STOPPED, stopped_by=person_id, ended_at=at, next_try_at=at
        ):
            raise BulkNotOpen
        record_stop(BulkRevocation.objects.get(id=bulk_id), stopped_by=person_id, at=at)
        # The worker settles the waiting acts.
        enqueue_on_commit("integrations.run_bulk_revocation", bulk_id=bulk_id)


def record_stop(bulk: BulkRevocation, *, stopped_by: UUID | None, at: datetime) -> None:
    """:param stopped_by: None: a worker, because one of the two people is no longer staff"""
    progress = bulk.counts.get("progress", {})
    entries.record_ledger_event(
        event="bulk_revocation.stopped",
        about=bulk.id,
        body={
            "agent": entries.get_ledger_pseudonym(bulk.agent_id),
            "stopped_by": get_pseudonym(stopped_by),
            "done": progress.get("done", 0),
            "waiting": progress.get("waiting", 0),
        },
        at=at,
    )


def _decide(
    bulk_id: UUID, *, actor: Actor, at: datetime, state: BulkState, **values: datetime
) -> BulkRevocation:
    person_id = _get_person_id(actor)
    # One statement: of two decisions at once, the second finds nothing open.
    proposed = BulkRevocation.objects.filter(
        id=bulk_id, state=BulkState.PROPOSED, asked_at__gt=at - DECIDED_WITHIN
    )
    if proposed.filter(agent_id=person_id).exists():
        raise SecondPersonNeeded
    if not proposed.update(state=state, decided_by=person_id, decided_at=at, **values):
        raise BulkNotOpen
    bulk = BulkRevocation.objects.get(id=bulk_id)
    bulk.decision_signature = signed_orders.sign_decision(bulk)
    bulk.save(update_fields=["decision_signature"])
    return bulk


def _get_person_id(actor: Actor) -> UUID:
    person_id, _ = get_owner_ids(actor)
    return person_id


def get_pseudonym(subject_id: UUID | None) -> str | None:
    return None if subject_id is None else entries.get_ledger_pseudonym(subject_id)
