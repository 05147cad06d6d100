"""A person's own rows; an id of another person gets the same 404 as an unknown id."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from accounts import row_owner
from accounts.actors import Actor
from integrations.models import Connection, Integration, PurgeJob
from integrations.providers import PROVIDERS


def get_integration(actor: Actor, integration_id: UUID) -> Integration:
    owner = get_owner_ids(actor)
    queryset = Integration.objects.live().owned_by(*owner).select_related("connection")
    own_integration = queryset.filter(id=integration_id).first()
    if own_integration is None:
        raise Http404
    return own_integration


def get_connection_id(actor: Actor, value: str | None) -> UUID | None:
    """Return None if `value` is empty."""
    if not value:
        return None
    queryset = Connection.objects.live().owned_by(*get_owner_ids(actor))
    connection_id = queryset.filter(id=parse_uuid(value)).values_list("id", flat=True).first()
    if connection_id is None:
        raise Http404
    return connection_id


def get_own_account(actor: Actor, connection_id: UUID) -> tuple[Connection, list[Integration]]:
    """
    Return a connection with its live integrations, mail first.

    :raises Http404: also if it has no live integration
    """
    own_connection = (
        Connection.objects.live().owned_by(*get_owner_ids(actor)).filter(id=connection_id).first()
    )
    if own_connection is None or not PROVIDERS[own_connection.provider].grants:
        raise Http404
    integrations = list(own_connection.integrations.live().order_by("-product"))
    if not integrations:
        raise Http404
    return own_connection, integrations


def get_own_purge(actor: Actor, purge_id: UUID) -> PurgeJob:
    """Includes organisations that the person left."""
    if actor.user_id is None:
        raise Http404
    queryset = PurgeJob.objects.filter(user_id=actor.user_id)
    job = queryset.filter(id=purge_id).first()
    if job is None:
        raise Http404
    # Row-level security: act in the purge's organisation, which the person may have left.
    row_owner.enter_person(job.user_id, job.organisation_id)
    return job


def get_owner_ids(actor: Actor) -> tuple[UUID, UUID]:
    """
    Return the ids of person and organisation.

    :raises Http404: for staff without an organisation, who own nothing
    """
    if actor.user_id is None or actor.organisation_id is None:
        raise Http404
    return actor.user_id, actor.organisation_id


def parse_uuid(value: str | None) -> UUID:
    try:
        return UUID(value or "")
    except ValueError:
        raise Http404 from None
