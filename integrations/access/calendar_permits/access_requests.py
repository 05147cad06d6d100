"""What is asked of the guard about a calendar, or about the integration that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from accounts.actors import SYSTEM, Actor
from integrations.access.facts import Found
from integrations.models import Calendar
from limited_use.access_request import AccessRequest
from limited_use.policy.vocabulary import Use


def of_calendar(
    use: Use, calendar: Calendar, found: Found, actor: Actor, *, feature: str | None = None
) -> AccessRequest:
    # What a calendar that its integration does not have were about, nobody could say.
    asked = of_integration(use, calendar.integration_id, found)
    return replace(
        asked,
        holder=calendar.cache_id,
        about=calendar.integration_id,
        actor=actor,
        on_behalf_of=found.owner_id if actor is SYSTEM else actor.user_id,
        feature=feature,
    )


def of_integration(use: Use, integration_id: UUID, found: Found) -> AccessRequest:
    return AccessRequest(
        use=use,
        holder=integration_id,
        epoch=found.epoch,
        actor=SYSTEM,
        on_behalf_of=found.owner_id,
        facts=found.facts,
        fences=found.fences,
        account=found.connection_id,
        names=found.names,
    )
