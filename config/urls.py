"""Where each package's addresses begin; the packages name their own paths."""

from __future__ import annotations

from django.urls import include, path

from config import health

PIECES = (
    "accounts.urls",
    "integrations.public_pages.urls",
    "integrations.settings_pages.urls",
    "integrations.inbox_pages.urls",
    "integrations.calendar_pages.urls",
    "integrations.console.urls",
    "integrations.review_pages.urls",
    "integrations.metrics_pages.urls",
    "integrations.webhooks.urls",
    "integrations.api.urls",
)

urlpatterns = [
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    *(path("", include(piece)) for piece in PIECES),
]

# Below /v1 these are problem documents, and pages elsewhere.
handler400 = "integrations.api.edge.bad_request"
handler500 = "integrations.api.edge.server_error"
