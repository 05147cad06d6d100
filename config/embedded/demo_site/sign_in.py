"""
Sign in as a person of the demo.

These are the steps of the sign-in page with the password and the code that the demo knows, so that
every check, limit and record of a normal sign-in applies.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.views import AuthenticateView
from django.http import HttpRequest, HttpResponse

from config.embedded.demo_site.cast import CastMember


class SignInRefused(Exception):
    """The site refuses this person: the password or the authenticator app was changed."""


class _CodeView(AuthenticateView):  # type: ignore[misc]  # allauth ships no types
    """The page of the second factor, without the rule that a code works once."""

    def get_form_class(self) -> Any:
        return AuthenticateForm


def sign_in(request: HttpRequest, member: CastMember, *, next_url: str = "") -> HttpResponse:
    """
    End the session of the request, begin one of `member`, and return the redirect.

    :param next_url: a path of this site; others are ignored
    :raises SignInRefused:
    """
    adapter = get_adapter(request)
    adapter.logout(request)
    form = LoginForm({"login": member.email, "password": member.password}, request=request)
    if not form.is_valid():
        raise SignInRefused
    redirect_url = next_url if next_url and adapter.is_safe_url(next_url) else None
    response: HttpResponse = form.login(request, redirect_url=redirect_url)
    if request.user.is_authenticated or member.totp_secret is None:
        return response
    return _show_second_factor(request, member)


def _show_second_factor(request: HttpRequest, member: CastMember) -> HttpResponse:
    # The first code may expire before it is checked.
    for _ in range(2):
        form = request.POST.copy()
        form["code"] = member.make_code(time.time())
        request.POST = form  # type: ignore[assignment]
        response: HttpResponse = _CodeView.as_view()(request)
        if request.user.is_authenticated:
            return response
    raise SignInRefused
