"""
Demo people, created by the operations that production uses.

No migration or fixture creates an account (CASA 1.2.1). The calling command refuses in
production.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from django.db import transaction

from accounts import allauth_private, memberships, organisations, user_provisioning
from accounts.models import Organisation, User
from accounts.roles import STAFF, Role
from accounts.user_provisioning import NewPerson

DEMO_PEOPLE = (
    NewPerson("platform-alice", "alice@antares.example", "Alice Adler"),
    NewPerson("platform-bob", "bob@antares.example", "Bob Brandt"),
    NewPerson("platform-mallory", "mallory@other.example", "Mallory Moreau"),
    NewPerson("platform-sam", "sam@antares.example", "Sam Sørensen", Role.SUPPORT),
    NewPerson("platform-sue", "sue@antares.example", "Sue Sato", Role.SUPPORT),
    NewPerson("platform-rita", "rita@antares.example", "Rita Rossi", Role.REVIEWER),
    NewPerson("platform-otto", "otto@antares.example", "Otto Okafor", Role.OPERATOR),
    NewPerson("platform-olga", "olga@antares.example", "Olga Orlova", Role.OPERATOR),
)
#: Colleagues of Alice and Bob, who cannot sign in: without a password.
DEMO_COLLEAGUES = (
    NewPerson("platform-carol", "carol@antares.example", "Carol Chen"),
    NewPerson("platform-emil", "emil@antares.example", "Emil Eriksen"),
    NewPerson("platform-nadia", "nadia@antares.example", "Nadia Novak"),
)
# Mallory belongs to another organisation.
STRANGERS = frozenset({"platform-mallory"})


@dataclass(frozen=True, slots=True)
class DemoPerson:
    user: User
    organisation: Organisation
    password: str
    totp_secret: str | None


def make_password() -> str:
    """Return a random password of about 95 bits, in four groups."""
    raw = base64.b32encode(secrets.token_bytes(12)).decode().rstrip("=").lower()
    return "-".join(raw[start : start + 5] for start in range(0, 20, 5))


@transaction.atomic
def create_demo_people(*, at: datetime) -> list[DemoPerson]:
    """
    Create two organisations and their people, staff with a TOTP secret: all or none.

    Return the people who can sign in. Mail and calendars of the demo name the same people.

    :raises user_provisioning.UserExists, organisations.OrganisationExists:
    """
    own_organisation = organisations.found_organisation(
        platform_id="platform-antares", name="Antares", at=at
    )
    other_organisation = organisations.found_organisation(
        platform_id="platform-other", name="Other Works", at=at
    )
    demo_people = []
    for person in DEMO_PEOPLE:
        organisation = other_organisation if person.platform_id in STRANGERS else own_organisation
        password = make_password()
        user = user_provisioning.register_user(person, password=password, at=at)
        memberships.add_member(user_id=user.id, organisation_id=organisation.id, at=at)
        secret = add_second_factor(user) if person.role in STAFF else None
        demo_people.append(DemoPerson(user, organisation, password, secret))
    for colleague in DEMO_COLLEAGUES:
        user = user_provisioning.register_user(colleague, password=None, at=at)
        memberships.add_member(user_id=user.id, organisation_id=own_organisation.id, at=at)
    return demo_people


def add_second_factor(user: User) -> str:
    """Add an authenticator app and recovery codes; return the app's secret (base32)."""
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    allauth_private.add_authenticator_app(user, secret)
    allauth_private.add_recovery_codes(user, secrets.token_hex(40))
    return secret


def has_second_factor(user: User) -> bool:
    factors = Authenticator.objects.filter(user_id=user.pk)
    return bool(factors.exclude(type=Authenticator.Type.RECOVERY_CODES).exists())
