"""The content security policy of every page: nothing from other origins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from csp.constants import NONE, SELF

from config.environment import get_origin


def build_content_security_policy(consent_pages: Iterable[str]) -> dict[str, Any]:
    """
    Return the setting of django-csp.

    :param consent_pages: addresses of the providers' consent pages
    """
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:"],
            "connect-src": [SELF],
            "frame-src": [SELF],
            # Our forms redirect to the provider's consent page, and Chromium applies form-action to
            # redirects.
            "form-action": [SELF, *sorted({get_origin(url) for url in consent_pages})],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
        },
    }
