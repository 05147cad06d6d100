"""Routes of the ordinary site. Staff routes are unknown to it."""

from __future__ import annotations

from django.urls import include, path

from config.urls import HEALTH_ROUTES, SITE_URLCONFS, handler400, handler403, handler500

__all__ = ["handler400", "handler403", "handler500", "urlpatterns"]

urlpatterns = [*HEALTH_ROUTES, *(path("", include(urlconf)) for urlconf in SITE_URLCONFS)]
