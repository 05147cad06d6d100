"""
The page for a request that could not be answered in time.

Static, because every other page reads from the database, which may be what does not answer.
"""

from __future__ import annotations

from django.http import HttpResponse
from django.template.loader import render_to_string

from integrations.web.problem_catalogue import BUSY


def render_busy_page() -> HttpResponse:
    """Return the 503 page, with `Retry-After`."""
    return HttpResponse(
        render_to_string("503.html"),
        status=BUSY.status,
        headers={"Retry-After": str(BUSY.retry_after), "Cache-Control": "no-store"},
    )
