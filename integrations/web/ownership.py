"""
What a person's own is: selected through the owner.

Somebody else's id is as unknown as one that never was: 404, either way.
"""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from accounts import row_owner
from accounts.actors import Actor
from integrations.models import Connection, Integration, PurgeJob
from integrations.providers import PROVIDERS


def integration(actor: Actor, integration_id: UUID) -> Integration:
    owner = ids(actor)
    theirs = Integration.objects.live().owned_by(*owner).select_related("connection")
    found = theirs.filter(id=integration_id).first()
    if found is None:
        raise Http404
    return found


def connection(actor: Actor, value: str | None) -> UUID | None:
    """Return the id of a live connection; None where none was named."""
    if not value:
        return None
    theirs = Connection.objects.live().owned_by(*ids(actor))
    found = theirs.filter(id=uuid(value)).values_list("id", flat=True).first()
    if found is None:
        raise Http404
    return found


def account(actor: Actor, connection_id: UUID) -> tuple[Connection, list[Integration]]:
    """
    Return a connection to a provider with its live integrations, mail first.

    :raises Http404: if it is not theirs, or nothing of it is live
    """
    own = Connection.objects.live().owned_by(*ids(actor)).filter(id=connection_id).first()
    if own is None or not PROVIDERS[own.provider].grants:
        raise Http404
    live = list(own.integrations.live().order_by("-product"))
    if not live:
        raise Http404
    return own, live


def removal(actor: Actor, purge_id: UUID) -> PurgeJob:
    """Return a removal of the person's, in whichever organisation, left ones too: it is theirs."""
    if actor.user_id is None:
        raise Http404
    theirs = PurgeJob.objects.filter(user_id=actor.user_id)
    found = theirs.filter(id=purge_id).first()
    if found is None:
        raise Http404
    # What it is about is shown where it was theirs, which they may have left.
    row_owner.enter_person(found.user_id, found.organisation_id)
    return found


def ids(actor: Actor) -> tuple[UUID, UUID]:
    """Return person and organisation; staff who belong nowhere have nothing of their own here."""
    if actor.user_id is None or actor.organisation_id is None:
        raise Http404
    return actor.user_id, actor.organisation_id


def uuid(value: str | None) -> UUID:
    try:
        return UUID(value or "")
    except ValueError:
        raise Http404 from None
