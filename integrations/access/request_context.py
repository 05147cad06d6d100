"""Actor, owner and time of a request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.actors import Actor, get_actor


class ObjectNotFound(Exception):
    """The object is missing or another person's: the caller cannot tell which."""


class InvalidChoice(Exception):
    """The value is not among the offered choices. Show them."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """:param user_id: the owner of the requested objects"""

    actor: Actor
    user_id: UUID
    at: datetime

    @property
    def audience_key(self) -> str:
        """The key binds cursors and idempotency keys to actor and owner."""
        actor = self.actor
        return (
            f"{actor.kind}:{actor.id}:{actor.delegation_id}:{actor.organisation_id}:{self.user_id}"
        )


def get_owner_ids(actor: Actor) -> tuple[UUID, UUID]:
    """The null UUID, which owns nothing, stands for a missing one."""
    unknown_id = UUID(int=0)
    return actor.user_id or unknown_id, actor.organisation_id or unknown_id


def get_request_context(request: HttpRequest) -> RequestContext:
    """:raises Http404: if the person belongs to no organisation"""
    actor = get_actor(request)
    if actor.user_id is None or actor.organisation_id is None:
        raise Http404
    return RequestContext(actor=actor, user_id=actor.user_id, at=timezone.now())
