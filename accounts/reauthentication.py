"""
Proofs of a session beyond the sign-in, from django-allauth's record in the session.

A person with a second factor confirms with it; the password alone does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final
from urllib.parse import urlsplit

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve
from django.utils.translation import gettext_lazy as _
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from accounts import allauth_private

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_PageView = Callable[Concatenate[HttpRequest, ...], HttpResponseBase]

# Recovery codes replace a factor, but are none by themselves.
_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_CONFIRMATION_ROUTES: Final = frozenset(
    {"account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"}
)
#: Key in the session of the page whose download waited for a confirmation.
_CONFIRMED_DOWNLOAD_KEY: Final = "confirmed_download"


class ReauthenticationNeeded(APIException):
    """The API's answer: confirm on the page, then call again."""

    status_code = status.HTTP_403_FORBIDDEN
    default_detail = _("Please confirm that it is you, then try again.")
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


def require_recent_confirmation(
    action: StrOrPromise, *, is_download: bool = False
) -> Callable[[_PageView], _PageView]:
    """
    Run a page's changes only after a recent confirmation; ask for one if needed.

    The page itself, which explains the change, needs none. A form that waited for a confirmation
    runs by itself afterwards. Place it inside the decorator that checks the role.

    :param action: named on the confirmation page, such as “Download a copy of your mail”
    :param is_download: whether a form's response is a file. After a confirmation the browser goes
        back to the page, which asks `take_confirmed_download`.
    """

    def decorate(view: _PageView) -> _PageView:
        @wraps(view)
        def run_if_confirmed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if request.method in _SAFE_METHODS:
                return view(request, *args, **kwargs)
            if not has_recent_confirmation(request):
                # allauth's middleware shows its confirmation page.
                raise ReauthenticationRequired
            if is_download and _has_waited(request):
                request.session[_CONFIRMED_DOWNLOAD_KEY] = request.path
                return HttpResponseRedirect(request.path)
            return view(request, *args, **kwargs)

        run_if_confirmed.needs_recent = True  # type: ignore[attr-defined]  # read by the walk of all routes
        run_if_confirmed.confirmed_action = action  # type: ignore[attr-defined]  # read by `find_confirmed_action`
        return run_if_confirmed

    return decorate


def take_confirmed_download(request: HttpRequest) -> bool:
    """Return whether a download of this page waited for a confirmation; True once."""
    if request.session.get(_CONFIRMED_DOWNLOAD_KEY) != request.path:
        return False
    del request.session[_CONFIRMED_DOWNLOAD_KEY]
    return has_recent_confirmation(request)


def find_confirmed_action(request: HttpRequest) -> StrOrPromise:
    """Return the action that a confirmation page is for; empty for any other page."""
    next_url = request.POST.get("next") or request.GET.get("next", "")
    try:
        view = resolve(urlsplit(next_url).path).func
    except (Resolver404, ValueError):
        return ""
    action: StrOrPromise = getattr(view, "confirmed_action", "")
    return action


def _has_waited(request: HttpRequest) -> bool:
    """Return whether allauth runs the form from its confirmation page."""
    match = request.resolver_match
    return match is not None and match.url_name in _CONFIRMATION_ROUTES


def has_shown_second_factor(request: HttpRequest | Request) -> bool:
    http = _get_http_request(request)
    if not http.user.is_authenticated or not hasattr(http, "session"):
        return False
    return allauth_private.has_shown_second_factor(http)
