"""Our settings of django-allauth: no sign-up, sealed secrets, own-host redirects, our limits."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import (
    known_origins,
    mfa_secrets,
    people,
    reauthentication,
    sessions,
    sign_in_limits,
    sign_in_links,
    time_preferences,
)
from accounts.models import User
from accounts.roles import has_staff_role


def display_name(user: User) -> str:
    """Return the name for pages; `str(user)` is for logs and holds no name."""
    return user.name


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:  # allauth's shape  # noqa: ARG002  # allauth's shape
        # The platform provisions people.
        return False

    def is_safe_url(self, url: str | None) -> bool:
        # allauth would also accept every host of ALLOWED_HOSTS.
        request: HttpRequest = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """
        Return the person with these credentials.

        The staff site answers other people as for a wrong password.

        :raises ValidationError: after too many failed attempts
        """
        at = timezone.now()
        try:
            counters = sign_in_limits.count_attempt(request, credentials.get("email", ""), at=at)
        except sign_in_limits.TooManySignInAttempts:
            validation_error = ValidationError(
                "Too many failed attempts. Wait some minutes, then try again."
            )
        except sign_in_limits.SignInLinkNeeded:
            validation_error = ValidationError(
                "Too many failed attempts. If this address has an account, it gets a mail with a"
                " link. Open it on this device to try again."
            )
        else:
            user: User | None = super().authenticate(request, **credentials)
            if user is None or not _may_sign_in_at_site(user):
                return None
            sign_in_limits.take_back_counts(counters, at=at)
            return user
        raise validation_error

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        """
        Return the ways to confirm; without the password if the person has a second factor.

        The page opens the first. The security key precedes recovery codes, which people seldom
        have with them.
        """
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        if not reauthentication.has_second_factor(user):
            return methods
        factor_methods = [method for method in methods if method["id"] != "reauthenticate"]
        has_app = is_mfa_enabled(user, types=[Authenticator.Type.TOTP])
        return factor_methods if has_app else factor_methods[::-1]

    def is_reauthentication_required(self, *, app: str, **details: Any) -> bool:
        """Hide confirmations by password from allauth if the person has a second factor."""
        reauthentication.drop_weak_confirmations(context.request)
        required: bool = super().is_reauthentication_required(app=app, **details)
        return required

    def post_login(self, request: HttpRequest, user: User, **details: Any) -> HttpResponse:
        """Remember the origin of a complete sign-in, second factor included."""
        response: HttpResponse = super().post_login(request, user, **details)
        time_preferences.guess_time_preferences(request, user)
        sign_in_links.drop_sign_in_permit(request)
        known_origins.remember_origin(request, response, user, at=timezone.now())
        return response

    def set_password(self, user: User, password: str) -> None:
        """Change the password and end every other session (CASA 2.2.2)."""
        user.set_password(password)
        # The web role may write no other column, least of all the person's role.
        user.save(update_fields=["password"])
        request: HttpRequest | None = context.request
        is_own_password = request is not None and request.user.pk == user.pk
        sessions.end_sessions(
            user_id=user.pk,
            keep=request.session.session_key if request and is_own_password else None,
        )
        if request is not None and not is_own_password:
            # A mailed link was used: the mailbox belongs to the person.
            sign_in_links.permit_after_reset(request, user.email, at=timezone.now())


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    def encrypt(self, text: str) -> str:
        return mfa_secrets.encrypt_secret(text)

    def decrypt(self, encrypted_text: str) -> str:
        return mfa_secrets.decrypt_secret(encrypted_text)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """
        Staff keep the factor that they added last; recovery codes alone do not count.

        The database enforces the same (`config.database.declared_row_security`).
        """
        factor_id: int | None = people.find_required_factor(authenticator.user_id)
        return not has_staff_role(authenticator.user) or factor_id != authenticator.pk

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Make a security key work at both sites, if the staff site is a subdomain of the other."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        public_host = urlsplit(settings.PUBLIC_URL).hostname
        if public_host and entity["id"].endswith(f".{public_host}"):
            entity["id"] = public_host
        return entity

    def get_totp_issuer(self) -> str:
        return "Antares Integrations"


def _may_sign_in_at_site(user: User) -> bool:
    return settings.SITE != "staff" or has_staff_role(user)
