"""The context of a request: actor, owner and time, for mail and calendars."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone

from accounts.actors import Actor, get_actor


class ObjectNotFound(Exception):
    """The object does not exist, or belongs to another person: the caller cannot tell which."""


class InvalidChoice(Exception):
    """The value is not among the offered choices. Show them."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    Actor, owner and time of one request.

    :param user_id: the owner of the requested objects; the guard refuses objects of another owner
    """

    actor: Actor
    user_id: UUID
    at: datetime

    @property
    def audience_key(self) -> str:
        """The actor and owner that a cursor or an idempotency key is bound to."""
        actor = self.actor
        return (
            f"{actor.kind}:{actor.id}:{actor.delegation_id}:{actor.organisation_id}:{self.user_id}"
        )


def get_request_context(request: HttpRequest) -> RequestContext:
    """
    Return the context of a page, for the signed-in person's own objects.

    :raises Http404: if the person belongs to no organisation
    """
    actor = get_actor(request)
    if actor.user_id is None or actor.organisation_id is None:
        raise Http404
    return RequestContext(actor=actor, user_id=actor.user_id, at=timezone.now())
