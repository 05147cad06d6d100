"""
Make the person who signs in, or is signed in, the row owner.

Without an owner (`accounts.row_owner`) the database hides password hashes, second factors and
addresses. A right password, its session, or a valid link to set a new password sets the owner.
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

from accounts import people, row_owner
from accounts.allauth_private import PasswordBackend, find_pending_user_id, read_user_id
from accounts.models import User
from accounts.sessions import SessionStore

#: The session that Django is checking. Django passes the backend only the id of the signed data.
_session: ContextVar[SessionStore | None] = ContextVar("session", default=None)


class SignInBackend(PasswordBackend):
    """Checks a password against the hash of exactly one address."""

    def find_user(self, email: str, password: str) -> User | None:
        record = people.find_sign_in_record(email.lower())
        if record is None:
            return None
        self.note_password_check()

        def upgrade_hash(raw_password: str) -> None:
            with row_owner.acting_for(record.person_id, None):
                user = User.objects.get(pk=record.person_id)
                user.set_password(raw_password)
                user.save(update_fields=["password"])

        # The staff site writes no passwords; the ordinary site upgrades the hashes of staff.
        setter = None if settings.SITE == "staff" else upgrade_hash
        if not check_password(password, record.password, setter=setter):
            return None
        user = _find_user_by_id(record.person_id)
        if user is None:
            # Not staff: the database shows the staff site staff only.
            return None
        if not self.user_can_authenticate(user):
            self.note_inactive(user)
            return None
        _enter_person(user.pk)
        return user

    def get_user(self, user_id: UUID) -> User | None:
        session = _session.get()
        if session is not None and (person := session.find_person(user_id)):
            return person if self.user_can_authenticate(person) else None
        with row_owner.acting_for(user_id, None):
            user: User | None = super().get_user(user_id)
        return user


class SessionUserMiddleware(AuthenticationMiddleware):
    """Also makes the person of the session the row owner."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(  # type: ignore[assignment]
            lambda: _find_user(request)
        )


class UserTokenForm(AllauthUserTokenForm):  # type: ignore[misc]  # untyped
    """Makes the person of a valid link to set a new password the row owner."""

    reset_user: User | None

    def clean(self) -> dict[str, Any]:
        person_id = _read_person_id(self.cleaned_data.get("uidb36", ""))
        # The link depends on rows of the person that it names.
        with row_owner.acting_for(person_id, None):
            cleaned: dict[str, Any] = super().clean()
        _enter_person(person_id)
        return cleaned


def _find_user(request: HttpRequest) -> User | AnonymousUser:
    cached: User | AnonymousUser | None = getattr(request, "_cached_user", None)
    if cached is not None:
        return cached
    user = _get_user(request)
    request._cached_user = user  # type: ignore[attr-defined]  # noqa: SLF001 - as Django does
    if isinstance(user, User):
        _enter_person(user.pk)
    elif person_id := find_pending_user_id(request.session):
        _enter_person(person_id)
    return user


def _get_user(request: HttpRequest) -> User | AnonymousUser:
    session = request.session
    token = _session.set(session if isinstance(session, SessionStore) else None)
    try:
        user: User | AnonymousUser = auth.get_user(request)
    finally:
        _session.reset(token)
    return user


def _read_person_id(text: str) -> UUID:
    """Return the id in a link, or an unused id if the text is invalid."""
    try:
        return read_user_id(text)
    except (ValueError, ValidationError):
        return UUID(int=0)


def _enter_person(person_id: UUID) -> None:
    # A confirmation by password keeps the organisation of the current owner.
    if row_owner.get_owner().person_id != person_id:
        row_owner.enter_person(person_id, None)


def _find_user_by_id(person_id: UUID) -> User | None:
    with row_owner.acting_for(person_id, None):
        return User.objects.filter(pk=person_id).first()
