"""The addresses of the site of staff: their pages, and what signing in and out takes."""

from __future__ import annotations

from django.urls import include, path

from config.urls import HEALTH, STAFF_PIECES
from integrations.support.home_views import home

urlpatterns = [
    *HEALTH,
    path("", home, name="home"),
    path("", include("accounts.sign_in_urls")),
    *(path("", include(piece)) for piece in STAFF_PIECES),
]

# It has no API, so all of them are pages.
handler400 = "django.views.defaults.bad_request"
handler500 = "integrations.urls.api.fallback_views.show_server_error"
