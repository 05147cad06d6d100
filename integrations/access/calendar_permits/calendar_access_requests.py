"""Access requests about a calendar, or about the integration that the calendar belongs to."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from accounts.actors import SYSTEM, Actor
from integrations.access.facts import HolderFacts
from integrations.models import Calendar
from limited_use.access_request import AccessRequest
from limited_use.policy.policy_vocabulary import Use


def for_calendar(
    use: Use,
    calendar: Calendar,
    holder_facts: HolderFacts,
    actor: Actor,
    *,
    feature: str | None = None,
) -> AccessRequest:
    # Another integration's calendar would put wrong facts into the ledger.
    request = for_integration(use, calendar.integration_id, holder_facts)
    return replace(
        request,
        holder=calendar.cache_id,
        about=calendar.integration_id,
        actor=actor,
        on_behalf_of=holder_facts.owner_id if actor is SYSTEM else actor.user_id,
        feature=feature,
    )


def for_integration(use: Use, integration_id: UUID, holder_facts: HolderFacts) -> AccessRequest:
    return AccessRequest(
        use=use,
        holder=integration_id,
        epoch=holder_facts.epoch,
        actor=SYSTEM,
        on_behalf_of=holder_facts.owner_id,
        facts=holder_facts.facts,
        fences=holder_facts.fences,
        account=holder_facts.connection_id,
        names=holder_facts.names,
    )
