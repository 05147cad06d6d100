"""The page for a request that timed out; static, because the database may be the cause."""

from __future__ import annotations

from django.http import HttpResponse
from django.template.loader import render_to_string

from integrations.web import standalone_pages
from integrations.web.problem_catalogue import BUSY


def render_busy_page() -> HttpResponse:
    """503, with `Retry-After`."""
    return HttpResponse(
        render_to_string("503.html"),
        status=BUSY.status,
        headers={
            "Retry-After": str(BUSY.retry_after),
            "Cache-Control": "no-store",
            "Content-Security-Policy": standalone_pages.build_policy(),
        },
    )
