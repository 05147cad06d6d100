"""The link to the demo's page, in the head of every page."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from config.embedded.demo_site import steps
from config.embedded.demo_site.loopback import is_loopback_request
from config.sites import STAFF


def add_demo(request: HttpRequest) -> dict[str, Any]:
    """
    A context processor: the address of the page, and how many steps are ticked.

    Other machines get no address: the page does not answer them. The staff site has no list.
    """
    if not is_loopback_request(request):
        return {"demo_url": ""}
    context = {"demo_url": reverse("demo"), "is_staff_site": settings.SITE == STAFF}
    if settings.SITE != STAFF:
        listed_steps = steps.list_steps()
        context["demo_total"] = len(listed_steps)
        context["demo_done"] = sum(step.is_done for step in listed_steps)
    return context
