"""
Routes of both sites for signing in and out, confirmation and second factors.

allauth's routes are taken by name; others are not reachable.
"""

from __future__ import annotations

from allauth.account.urls import urlpatterns as account_urls
from allauth.mfa.totp.views import activate_totp
from csp.decorators import csp_update
from django.urls import URLPattern, URLResolver, include, path

from accounts.views import LogoutView, open_sign_in_link, sign_in_link

ALLAUTH_ROUTES = frozenset({"account_login", "account_inactive", "account_reauthenticate"})

urlpatterns: list[URLPattern | URLResolver] = [
    path("accounts/login/link/", sign_in_link, name="account_sign_in_link"),
    path("accounts/login/link/<str:token>/", open_sign_in_link, name="account_open_sign_in_link"),
    path("accounts/logout/", LogoutView.as_view(), name="account_logout"),
    path("accounts/", include([route for route in account_urls if route.name in ALLAUTH_ROUTES])),
    # The QR code is a `data:` image. Other pages forbid them.
    path(
        "accounts/mfa/totp/activate/",
        csp_update({"img-src": ["data:"]})(activate_totp),
        name="mfa_activate_totp",
    ),
    path("accounts/mfa/", include("allauth.mfa.urls")),
]
