"""Deployment checks of settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from config.reverse_proxies import NGINX, NONE


@register(Tags.security, deploy=True)
def check_proxy(**_: Any) -> list[CheckMessage]:
    """Require `TRUSTED_PROXY` in production: else any client could forge address and scheme."""
    if settings.TRUSTED_PROXY or not settings.PRODUCTION:
        return []
    return [
        Error(
            f"TRUSTED_PROXY is not set: {NGINX} (configured as in config/nginx.conf), or {NONE}"
            f" if clients reach the web server directly",
            id="proxies.E001",
        )
    ]
