"""
Enters the person who signs in or is signed in, so that the database shows that person's rows.

Password hashes, second factors and addresses are hidden from a process until a person is entered
(`accounts.owned`). That happens in three places: when a password was right, on each request of a
session whose password was right (signed in, or with the second factor still to be shown), and when
a link to set a new password was valid.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from uuid import UUID

from allauth.account.forms import UserTokenForm as AllauthUserTokenForm
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.hashers import check_password
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from accounts import owned, people
from accounts.allauth_private import PasswordBackend, find_pending_user_id, read_user_id
from accounts.models import User
from accounts.sessions import SessionStore

#: The session that Django is checking. Django gives the backend only the id in the signed data.
_session: ContextVar[SessionStore | None] = ContextVar("session", default=None)


class SignInBackend(PasswordBackend):
    """Checks a password against the hash of exactly one address."""

    def find_user(self, email: str, password: str) -> User | None:
        found = people.find_sign_in(email.lower())
        if found is None:
            return None
        self.note_password_check()

        def upgrade_hash(raw_password: str) -> None:
            with owned.acting_for(found.person_id, None):
                user = User.objects.get(pk=found.person_id)
                user.set_password(raw_password)
                user.save(update_fields=["password"])

        # The site of staff writes no password; theirs are upgraded at the ordinary site.
        setter = None if settings.SITE == "staff" else upgrade_hash
        if not check_password(password, found.password, setter=setter):
            return None
        user = _find_user_by_id(found.person_id)
        if user is None:
            # Not staff: the database shows the site of staff nobody else.
            return None
        if not self.user_can_authenticate(user):
            self.note_inactive(user)
            return None
        _enter(user.pk)
        return user

    def get_user(self, user_id: UUID) -> User | None:
        """Return the active person with this id, who may have been read with the session."""
        session = _session.get()
        if session is not None and (person := session.find_person(user_id)):
            return person if self.user_can_authenticate(person) else None
        with owned.acting_for(user_id, None):
            user: User | None = super().get_user(user_id)
        return user


class SignedIn(AuthenticationMiddleware):
    """Django's, which also enters the person whose password the session knows."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(  # type: ignore[assignment]
            lambda: _find_user(request)
        )


class UserTokenForm(AllauthUserTokenForm):  # type: ignore[misc]  # untyped
    """Checks a link to set a new password, and enters its person if it is valid."""

    reset_user: User | None

    def clean(self) -> dict[str, Any]:
        person_id = _read_id(self.cleaned_data.get("uidb36", ""))
        # What the link depends on is in the rows of the person whom it names.
        with owned.acting_for(person_id, None):
            cleaned: dict[str, Any] = super().clean()
        _enter(person_id)
        return cleaned


def _find_user(request: HttpRequest) -> User | AnonymousUser:
    cached: User | AnonymousUser | None = getattr(request, "_cached_user", None)
    if cached is not None:
        return cached
    user = _get_user(request)
    request._cached_user = user  # type: ignore[attr-defined]  # noqa: SLF001 - as Django does
    if isinstance(user, User):
        _enter(user.pk)
    elif person_id := find_pending_user_id(request.session):
        _enter(person_id)
    return user


def _get_user(request: HttpRequest) -> User | AnonymousUser:
    session = request.session
    token = _session.set(session if isinstance(session, SessionStore) else None)
    try:
        user: User | AnonymousUser = auth.get_user(request)
    finally:
        _session.reset(token)
    return user


def _read_id(written: str) -> UUID:
    """Return the id of a person as a link has it; an id that nobody has if it is none."""
    try:
        return read_user_id(written)
    except (ValueError, ValidationError):
        return UUID(int=0)


def _enter(person_id: UUID) -> None:
    # Somebody who confirms a password goes on in their organisation.
    if owned.current().person_id != person_id:
        owned.enter(person_id, None)


def _find_user_by_id(person_id: UUID) -> User | None:
    with owned.acting_for(person_id, None):
        return User.objects.filter(pk=person_id).first()
