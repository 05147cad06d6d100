"""
Routes of accounts, for the root of the ordinary site. allauth's routes are taken by name.

There is no sign-up, no change of address (the platform owns it), and no sign-in by a mailed code.
"""

from __future__ import annotations

from allauth.account.urls import urlpatterns as account_urls
from django.urls import URLPattern, URLResolver, include, path

from accounts import sign_in_urls
from accounts.oauth.views import revocation_endpoint, token_endpoint
from accounts.profile_views import edit_profile
from accounts.views import switch_organisation

# Staff change passwords here too: the staff site writes none.
ALLAUTH_ROUTES = frozenset(
    {
        "account_change_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reset_password_from_key_done",
    }
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("oauth/token", token_endpoint, name="oauth_token"),
    path("oauth/revoke", revocation_endpoint, name="oauth_revoke"),
    path("accounts/profile/", edit_profile, name="profile"),
    path("accounts/organisation/", switch_organisation, name="switch_organisation"),
    path("accounts/", include([route for route in account_urls if route.name in ALLAUTH_ROUTES])),
    *sign_in_urls.urlpatterns,
]
