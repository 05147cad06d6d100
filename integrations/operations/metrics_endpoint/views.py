"""`GET /metrics`: for operators, and for a collector that has the token of the settings."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from accounts.permissions import page
from accounts.roles import Permission

from . import exposition


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponseBase:
    """Return all figures to an operator, or to whoever shows the token; never to anybody else."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and is_token(given.strip()):
        return _answer()
    return _as_operator(request)


# Read by the walk of all routes.
metrics.permission = Permission.VIEW_OPERATIONS  # type: ignore[attr-defined]


def is_token(given: str) -> bool:
    """Return whether it is the token that the settings keep the hash of; without one, none is."""
    expected = settings.METRICS_TOKEN_SHA256
    found = hashlib.sha256(given.encode()).hexdigest()
    return bool(expected) and hmac.compare_digest(found, expected)


@page(Permission.VIEW_OPERATIONS)
def _as_operator(_: HttpRequest) -> HttpResponse:
    return _answer()


def _answer() -> HttpResponse:
    return HttpResponse(exposition.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)
