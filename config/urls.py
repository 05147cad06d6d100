"""
All routes. Each package defines its own paths.

Production serves one site's routes: `web_urls` or `staff_urls`.
"""

from __future__ import annotations

from django.urls import include, path

from config import health_probes

HEALTH_ROUTES = [
    path("healthz", health_probes.show_alive, name="alive"),
    path("readyz", health_probes.show_ready, name="ready"),
]

#: Routes of the ordinary site. The API first, because it is called most.
SITE_URLCONFS = (
    "integrations.urls.api.api_routes",
    "accounts.urls",
    "integrations.urls.public_pages.urls",
    "integrations.settings.urls",
    "integrations.support.owner_pages.urls",
    "integrations.mail.pages.urls",
    "integrations.drive.pages.urls",
    "integrations.outbox.urls",
    "integrations.calendar.pages.urls",
    "integrations.drive.pages.standing_consent_urls",
    "integrations.push.webhooks.urls",
)

#: Routes of the staff site: all need a role.
STAFF_URLCONFS = (
    "integrations.support.console.urls",
    "integrations.review.urls",
    "integrations.operations.pages.urls",
    "integrations.operations.metrics_endpoint.urls",
)

urlpatterns = [
    *HEALTH_ROUTES,
    *(path("", include(urlconf)) for urlconf in (*SITE_URLCONFS, *STAFF_URLCONFS)),
]

# Problem documents below /v1, pages for other paths.
handler400 = "integrations.urls.api.fallback_views.bad_request"
handler403 = "accounts.forbidden_page.show_forbidden_page"
handler500 = "integrations.urls.api.fallback_views.server_error"
