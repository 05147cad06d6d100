from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts import memberships
from accounts.models import Membership, Organisation


class OrganisationExists(Exception):
    """The platform's id is taken."""


class OrganisationNotLive(Exception):
    """No live organisation has this id."""


def found_organisation(*, platform_id: str, name: str, at: datetime) -> Organisation:
    """:raises OrganisationExists:"""
    try:
        with transaction.atomic():
            return Organisation.objects.create(platform_id=platform_id, name=name, founded_at=at)
    except IntegrityError:
        pass
    raise OrganisationExists


@transaction.atomic
def close_organisation(*, organisation_id: UUID, at: datetime) -> Organisation:
    """
    Close an organisation and end all memberships, in one commit.

    :raises OrganisationNotLive:
    """
    organisation = (
        Organisation.objects.live()
        .select_for_update(no_key=True)
        .filter(id=organisation_id)
        .first()
    )
    if organisation is None:
        raise OrganisationNotLive
    organisation.closed_at = at
    organisation.save(update_fields=["closed_at"])
    memberships.end_memberships(
        Membership.objects.live().filter(organisation_id=organisation_id), at=at
    )
    return organisation
