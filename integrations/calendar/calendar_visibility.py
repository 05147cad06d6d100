from __future__ import annotations

from uuid import UUID

from accounts.actors import Actor, ActorKind
from integrations.access.request_context import ObjectNotFound
from integrations.models import Calendar


def set_visibility(*, actor: Actor, calendar_id: UUID, is_shown: bool) -> None:
    """:raises ObjectNotFound: if the actor owns no such calendar"""
    user_id, organisation_id = actor.user_id, actor.organisation_id
    if actor.kind != ActorKind.PERSON or user_id is None or organisation_id is None:
        raise ObjectNotFound
    own_calendars = (
        Calendar.objects.live().owned_by(user_id, organisation_id).filter(id=calendar_id)
    )
    if not own_calendars.update(is_shown=is_shown):
        raise ObjectNotFound
