"""Routes of the ordinary site in the demo."""

from __future__ import annotations

from config import web_urls
from config.embedded.demo_site.demo_routes import DEMO_ROUTES
from config.web_urls import handler400, handler403, handler500

__all__ = ["handler400", "handler403", "handler500", "urlpatterns"]

urlpatterns = [*web_urls.urlpatterns, *DEMO_ROUTES]
