"""The content security policy of every page: nothing from other origins."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from csp.constants import NONE, SELF

from config.environment import get_origin


def build_policy(consent_pages: Iterable[str]) -> dict[str, Any]:
    """
    Return the setting of django-csp.

    :param consent_pages: addresses where providers ask for consent
    """
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "img-src": [SELF, "data:"],
            "connect-src": [SELF],
            "frame-src": [SELF],
            # A form of ours is redirected to the provider's consent page, and Chromium applies
            # form-action to the redirect as well.
            "form-action": [SELF, *sorted({get_origin(url) for url in consent_pages})],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
        },
    }
