"""
Routes of accounts, for the root of the site.

allauth's are taken by name: what is not listed is not reachable. There is no
sign-up, no change of address (the platform owns it), no sign-in by a mailed code.
"""

from __future__ import annotations

from allauth.account.urls import urlpatterns as account_urls
from allauth.mfa.totp.views import activate_totp
from csp.decorators import csp_update
from django.urls import URLPattern, URLResolver, include, path

from accounts.oauth.views import token
from accounts.views import LogoutView, open_sign_in_link, sign_in_link, switch_organisation

REACHABLE = frozenset(
    {
        "account_login",
        "account_inactive",
        "account_reauthenticate",
        "account_change_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("oauth/token", token, name="oauth_token"),
    path("accounts/organisation/", switch_organisation, name="switch_organisation"),
    path("accounts/login/link/", sign_in_link, name="account_sign_in_link"),
    path("accounts/login/link/<str:token>/", open_sign_in_link, name="account_open_sign_in_link"),
    path("accounts/logout/", LogoutView.as_view(), name="account_logout"),
    path("accounts/", include([route for route in account_urls if route.name in REACHABLE])),
    # The QR code is an image inside the page; elsewhere `data:` stays forbidden.
    path(
        "accounts/mfa/totp/activate/",
        csp_update({"img-src": ["data:"]})(activate_totp),
        name="mfa_activate_totp",
    ),
    path("accounts/mfa/", include("allauth.mfa.urls")),
]
