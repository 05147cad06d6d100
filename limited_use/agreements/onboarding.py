"""
Add organisations and people, as the platform provisions them. See `offboarding` for removal.

Each step writes a ledger entry with role and pseudonyms, without name or address. The entry does
not name the operator: the command runs as the tables' owner, and the service knows no person
behind it.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import memberships, organisations, user_provisioning
from accounts.user_provisioning import NewPerson
from limited_use.ledger import entries


def found_organisation(*, platform_id: str, name: str, at: datetime) -> None:
    """
    Create an organisation of the platform.

    :raises organisations.OrganisationExists: if the platform's id is taken
    """
    with transaction.atomic():
        organisation = organisations.found_organisation(platform_id=platform_id, name=name, at=at)
        entries.record_event(event="organisation.founded", about=organisation.id, at=at)


def register_person(person: NewPerson, *, at: datetime) -> None:
    """
    Register a person without a password; they set one by the reset link.

    :raises user_provisioning.UserExists: if the address or the platform's id is taken
    """
    with transaction.atomic():
        user = user_provisioning.register_user(person, password=None, at=at)
        body = {"role": str(person.role)}
        entries.record_event(event="person.registered", about=user.id, body=body, at=at)


def join_organisation(*, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """
    Begin a person's membership.

    :raises memberships.AlreadyMember: if the person is a member
    :raises memberships.JoinNotAllowed: if the person is deactivated or the organisation is closed
    """
    with transaction.atomic():
        memberships.add_member(user_id=user_id, organisation_id=organisation_id, at=at)
        body = {"organisation": entries.get_pseudonym(organisation_id)}
        entries.record_event(event="membership.begun", about=user_id, body=body, at=at)
