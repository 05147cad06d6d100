"""
Adds organisations and people, as the platform provisions them. `offboarding` removes them.

Ledger entries hold no name or address, and no operator, because the command runs with the login
of the tables' owner.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts import memberships, organisations, user_provisioning
from accounts.user_provisioning import NewPerson
from limited_use.ledger import entries


def found_organisation(*, platform_id: str, name: str, at: datetime) -> None:
    """:raises organisations.OrganisationExists:"""
    with transaction.atomic():
        organisation = organisations.found_organisation(platform_id=platform_id, name=name, at=at)
        entries.record_ledger_event(event="organisation.founded", about=organisation.id, at=at)


def register_person(person: NewPerson, *, at: datetime) -> None:
    """
    Record a person without a password: they set one by the link for forgotten ones.

    :raises user_provisioning.UserExists:
    """
    with transaction.atomic():
        user = user_provisioning.register_user(person, password=None, at=at)
        body = {"role": str(person.role)}
        entries.record_ledger_event(event="person.registered", about=user.id, body=body, at=at)


def join_organisation(*, user_id: UUID, organisation_id: UUID, at: datetime) -> None:
    """:raises memberships.AlreadyMember, memberships.JoinNotAllowed:"""
    with transaction.atomic():
        memberships.add_member(user_id=user_id, organisation_id=organisation_id, at=at)
        body = {"organisation": entries.get_ledger_pseudonym(organisation_id)}
        entries.record_ledger_event(event="membership.begun", about=user_id, body=body, at=at)
