"""
The undocumented parts of django-allauth that we depend on.

`tests/accounts/test_library_internals.py` compares them with the installed version.
"""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.authentication import get_authentication_records
from allauth.account.utils import url_str_to_user_pk
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from accounts.models import User

#: Key in the session of a sign-in that waits for the second factor.
PENDING_SIGN_IN_KEY: Final = "account_login"
_PENDING_USER: Final = "user_pk"
#: Key in the session of a request that waits for a confirmation.
SUSPENDED_REQUEST_KEY: Final = "account_reauthentication_state"
#: Key of the serialized request, in the value of `SUSPENDED_REQUEST_KEY`.
REQUEST_KEY: Final = "request"


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    def find_user(self, email: str, password: str) -> User | None:
        raise NotImplementedError

    def note_password_check(self) -> None:
        """Tell allauth that a hash was computed; otherwise allauth computes one, against timing."""
        self._did_check_password = True

    def note_inactive(self, user: User) -> None:
        """Make allauth show its page for inactive people, after a right password."""
        self._stash_user(user)

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        return self.find_user(email, password)


def find_pending_user_id(session: SessionBase) -> UUID | None:
    """Return the id of a person who gave the right password but not yet a second factor."""
    pending = session.get(PENDING_SIGN_IN_KEY)
    if not isinstance(pending, dict) or not pending.get(_PENDING_USER):
        return None
    return read_user_id(pending[_PENDING_USER])


def read_user_id(text: str) -> UUID:
    """
    Parse an id from a link or a session.

    :raises ValueError, django.core.exceptions.ValidationError: if `text` is no id
    """
    user_id: UUID = url_str_to_user_pk(text)
    return user_id


def find_suspended_request(session: SessionBase) -> dict[str, Any] | None:
    """Return the state of a request that waits for a confirmation; changes to it are kept."""
    state = session.get(SUSPENDED_REQUEST_KEY)
    return state if isinstance(state, dict) and REQUEST_KEY in state else None


def list_confirmation_times(request: HttpRequest) -> list[float]:
    """Return the Unix times of the confirmations in this session."""
    records = get_authentication_records(request, request.user)
    return [record["at"] for record in records if record.get("reauthenticated")]


def forget_password_confirmations(request: HttpRequest) -> None:
    for record in get_authentication_records(request, request.user):
        if record.get("reauthenticated") and record.get("method") != "mfa":
            record["reauthenticated"] = False
            request.session.modified = True


def has_shown_second_factor(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)


def add_authenticator_app(user: User, secret: str) -> None:
    """:param secret: base32"""
    _add_factor(user, Authenticator.Type.TOTP, {"secret": encrypt(secret)})


def add_recovery_codes(user: User, seed: str) -> None:
    """:param seed: hexadecimal; the codes are derived from it"""
    _add_factor(user, Authenticator.Type.RECOVERY_CODES, {"seed": encrypt(seed), "used_mask": 0})


def _add_factor(user: User, kind: str, data: dict[str, Any]) -> None:
    Authenticator.objects.create(user=user, type=kind, data=data)
