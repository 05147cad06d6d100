from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.db import IntegrityError, transaction

from accounts import known_origins, memberships, sessions
from accounts.models import Membership, User
from accounts.roles import Role


class UserExists(Exception):
    """The address or the platform's id is taken."""


class UserNotActive(Exception):
    """No active person has this id."""


@dataclass(frozen=True, slots=True)
class NewPerson:
    platform_id: str
    email: str
    name: str
    role: Role = Role.MEMBER


def register_user(person: NewPerson, *, password: str | None, at: datetime) -> User:
    """
    Record a person, with an address that the platform vouches for.

    Without a password, the person sets one by the reset link; none is made up (CASA 1.1.2).

    :raises UserExists:
    :raises django.core.exceptions.ValidationError: if the password is too weak
    """
    user = User(
        platform_id=person.platform_id,
        email=person.email.lower(),
        name=person.name,
        role=person.role,
        registered_at=at,
        last_seen_at=at,
    )
    if password is None:
        user.set_unusable_password()
    else:
        validate_password(password, user)
        user.set_password(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            # allauth signs in and confirms by this row.
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    except IntegrityError:
        pass
    else:
        return user
    raise UserExists


@transaction.atomic
def deactivate_user(*, user_id: UUID, at: datetime) -> User:
    """
    End a person's memberships, features, tokens and sessions in one commit.

    :raises UserNotActive:
    """
    user = User.objects.active().select_for_update(no_key=True).filter(id=user_id).first()
    if user is None:
        raise UserNotActive
    user.is_active = False
    user.deactivated_at = at
    user.save(update_fields=["is_active", "deactivated_at"])
    memberships.end_memberships(Membership.objects.live().of(user_id), at=at)
    # Staff may have sessions without an organisation.
    sessions.end_sessions(user_id=user_id)
    known_origins.forget_networks(user_id=user_id)
    return user


def record_last_seen(*, user_id: UUID, at: datetime) -> None:
    """Record that a person used the service. After a year without use their connections end."""
    User.objects.active().filter(id=user_id, last_seen_at__lt=at).update(last_seen_at=at)
