from __future__ import annotations

import hashlib
import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission

from . import prometheus_exposition


@never_cache
@require_safe
def show_metrics(request: HttpRequest) -> HttpResponseBase:
    """Show metrics to an operator, or to a caller with the token from the settings."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and is_token(token.strip()):
        return _render_response()
    return _show_to_operator(request)


# The test of all routes reads this.
show_metrics.permission = RolePermission.VIEW_OPERATIONS  # type: ignore[attr-defined]


def is_token(token: str) -> bool:
    """Compare with the hash in the settings; False without one."""
    expected = settings.METRICS_TOKEN_SHA256
    digest = hashlib.sha256(token.encode()).hexdigest()
    return bool(expected) and hmac.compare_digest(digest, expected)


@require_permission(RolePermission.VIEW_OPERATIONS)
def _show_to_operator(_: HttpRequest) -> HttpResponse:
    return _render_response()


def _render_response() -> HttpResponse:
    return HttpResponse(
        prometheus_exposition.render_metrics(), content_type=CONTENT_TYPE_PLAIN_0_0_4
    )
