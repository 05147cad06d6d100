"""
Every address: where each package's begin; the packages name their own paths.

No process of production serves all of them: `web_urls` and `staff_urls` have those of a site.
"""

from __future__ import annotations

from django.urls import include, path

from config import health

HEALTH = [
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
]

#: Of the ordinary site. The API first, because programs call it most often.
PIECES = (
    "integrations.api.urls",
    "accounts.urls",
    "integrations.public_pages.urls",
    "integrations.settings_pages.urls",
    "integrations.inbox_pages.urls",
    "integrations.calendar_pages.urls",
    "integrations.webhooks.urls",
)

#: Of staff: every route that needs a role.
STAFF_PIECES = (
    "integrations.console.urls",
    "integrations.review_pages.urls",
    "integrations.metrics_pages.urls",
)

urlpatterns = [*HEALTH, *(path("", include(piece)) for piece in (*PIECES, *STAFF_PIECES))]

# Below /v1 these are problem documents, and pages elsewhere.
handler400 = "integrations.api.edge.bad_request"
handler500 = "integrations.api.edge.server_error"
