"""Who asks, whose things, when: one question, of mail and of calendars."""

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
    """The value is not one of those that are offered. Show them."""


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    One question.

    :param user_id: whose things; somebody else's are not there, or end in a refusal by the guard
    """

    actor: Actor
    user_id: UUID
    at: datetime

    @property
    def audience_key(self) -> str:
        """What a cursor is bound to besides its filters."""
        actor = self.actor
        return (
            f"{actor.kind}:{actor.id}:{actor.delegation_id}:{actor.organisation_id}:{self.user_id}"
        )


def get_request_context(request: HttpRequest) -> RequestContext:
    """
    Return the question of whoever looks at a page, for what is their own.

    :raises Http404: for somebody who belongs to no organisation
    """
    actor = get_actor(request)
    if actor.user_id is None or actor.organisation_id is None:
        raise Http404
    return RequestContext(actor=actor, user_id=actor.user_id, at=timezone.now())
