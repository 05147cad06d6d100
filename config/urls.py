"""
Every address: where each package's begin; the packages name their own paths.

No process of production serves all of them: `web_urls` and `staff_urls` have those of a site.
"""

from __future__ import annotations

from django.urls import include, path

from config import health_probes

HEALTH_ROUTES = [
    path("healthz", health_probes.show_alive, name="alive"),
    path("readyz", health_probes.show_ready, name="ready"),
]

#: Of the ordinary site. The API first, because programs call it most often.
SITE_URLCONFS = (
    "integrations.urls.api.routes",
    "accounts.urls",
    "integrations.urls.public_pages.urls",
    "integrations.settings.urls",
    "integrations.mail.pages.urls",
    "integrations.calendar.pages.urls",
    "integrations.push.webhooks.urls",
)

#: Of staff: every route that needs a role.
STAFF_URLCONFS = (
    "integrations.support.urls",
    "integrations.review.urls",
    "integrations.operations.metrics_endpoint.urls",
)

urlpatterns = [
    *HEALTH_ROUTES,
    *(path("", include(urlconf)) for urlconf in (*SITE_URLCONFS, *STAFF_URLCONFS)),
]

# Below /v1 these are problem documents, and pages elsewhere.
handler400 = "integrations.urls.api.fallback_views.bad_request"
handler500 = "integrations.urls.api.fallback_views.server_error"
