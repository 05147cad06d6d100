"""
Proofs of a session beyond the sign-in, from django-allauth's record in the session.

A person with a second factor confirms with it; the password alone does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts import allauth_private

_PageView = Callable[Concatenate[HttpRequest, ...], HttpResponseBase]

# Recovery codes replace a factor, but are none by themselves.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class ReauthenticationNeeded(APIException):
    """The API's answer: confirm on the page, then call again."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = "Please confirm that it is you, then try again."
    default_code = "reauthentication-needed"


def _get_http_request(request: HttpRequest | Request) -> HttpRequest:
    return request._request if isinstance(request, Request) else request  # noqa: SLF001


def has_recent_confirmation(request: HttpRequest | Request) -> bool:
    """
    Return whether the person confirmed within `ACCOUNT_REAUTHENTICATION_TIMEOUT` seconds.

    Signing in does not count. A person with a second factor has to use it.
    """
    http = _get_http_request(request)
    # Without a method of confirmation there is no confirmation.
    if not http.user.is_authenticated or not get_adapter(http).get_reauthentication_methods(
        http.user
    ):
        return False
    drop_weak_confirmations(http)
    confirmed_at = allauth_private.list_confirmation_times(http)
    timeout: int = settings.ACCOUNT_REAUTHENTICATION_TIMEOUT
    return bool(confirmed_at) and time.time() - confirmed_at[-1] < timeout


def has_second_factor(user: Any) -> bool:
    return bool(is_mfa_enabled(user, types=_FACTORS))


def drop_weak_confirmations(request: HttpRequest) -> None:
    """
    Forget confirmations by password if the person has a second factor.

    They are older than the factor, and may be of another session.
    """
    if not request.user.is_authenticated or not has_second_factor(request.user):
        return
    allauth_private.forget_password_confirmations(request)


def require_recent_confirmation(view: _PageView) -> _PageView:
    """
    Run a page only after a recent confirmation; ask for one if needed.

    Place it inside the decorator that checks the role.
    """

    @wraps(view)
    def run_if_confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not has_recent_confirmation(request):
            # allauth's middleware shows its confirmation page.
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    run_if_confirmed.needs_recent = True  # type: ignore[attr-defined]  # read by the walk of all routes
    return run_if_confirmed


def has_shown_second_factor(request: HttpRequest | Request) -> bool:
    http = _get_http_request(request)
    if not http.user.is_authenticated or not hasattr(http, "session"):
        return False
    return allauth_private.has_shown_second_factor(http)
