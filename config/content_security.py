"""The content security policy of every page: nothing from other origins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from csp.constants import NONE, SELF

from config.environment import get_origin


def build_content_security_policy(form_targets: Iterable[str]) -> dict[str, Any]:
    """
    Return the setting of django-csp.

    :param form_targets: addresses on other origins that forms redirect to: the providers' consent
        pages, and the staff site after a sign-in of staff
    """
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:"],
            "connect-src": [SELF],
            "frame-src": [SELF],
            # Chromium applies form-action to redirects.
            "form-action": [SELF, *sorted({get_origin(url) for url in form_targets})],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
        },
    }
