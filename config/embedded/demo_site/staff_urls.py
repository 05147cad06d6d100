"""Routes of the staff site in the demo."""

from __future__ import annotations

from config import staff_urls
from config.embedded.demo_site.demo_routes import DEMO_ROUTES
from config.staff_urls import handler400, handler403, handler500

__all__ = ["handler400", "handler403", "handler500", "urlpatterns"]

urlpatterns = [*staff_urls.urlpatterns, *DEMO_ROUTES]
