"""Routes of the staff site: its pages, signing in and out."""

from __future__ import annotations

from django.urls import include, path

from config.urls import HEALTH_ROUTES, STAFF_URLCONFS, handler403
from integrations.support.console.home_views import show_home

__all__ = ["handler403", "urlpatterns"]

urlpatterns = [
    *HEALTH_ROUTES,
    path("", show_home, name="home"),
    path("", include("accounts.sign_in_urls")),
    *(path("", include(urlconf)) for urlconf in STAFF_URLCONFS),
]

# It has no API: all handlers show pages.
handler400 = "django.views.defaults.bad_request"
handler500 = "integrations.urls.api.fallback_views.show_server_error"
