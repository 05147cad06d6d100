"""The liveness check, independent of threads and database."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from config import health_probes
from config.front.error_answers import BROWSER_HEADERS, BufferedResponse

ALIVE_PATH: Final = "/healthz"


def make_alive_response(method: str) -> BufferedResponse:
    """Return the view's response, without middleware."""
    request = HttpRequest()
    request.method = method
    response = health_probes.show_alive(request)
    headers = [(name.lower().encode(), value.encode()) for name, value in response.items()]
    headers += [(b"x-content-type-options", b"nosniff"), *BROWSER_HEADERS]
    return BufferedResponse(response.status_code, headers, response.content)
