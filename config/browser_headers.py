"""
Headers of every response: browser features that pages may use, and origins that may load it.

Django has no settings for these two. The front's own responses have them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from django.http import HttpRequest, HttpResponse

#: Browser features that no page uses, by reason. They are off for foreign scripts too. Only names
#: that Chromium knows: it logs a warning for others on each page.
DISABLED_FEATURES: Final[Mapping[str, tuple[str, ...]]] = {
    "mail and calendars need no sensor and no location": (
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer",
        "microphone", "xr-spatial-tracking",
    ),
    "nothing is attached to the computer": ("gamepad", "hid", "midi", "serial", "usb"),
    "there are no payments and no profiles": ("browsing-topics", "payment"),
    "mail and invitations must not reach other programs": (
        "clipboard-read", "clipboard-write", "local-fonts",
    ),
    "there is no film and no sound": (
        "autoplay", "encrypted-media", "fullscreen", "picture-in-picture",
    ),
    "the presence of a person is private": (
        "compute-pressure", "idle-detection", "keyboard-map", "screen-wake-lock",
        "window-management",
    ),
    "people sign in with a password and a second factor, at this site only": (
        "identity-credentials-get", "otp-credentials", "storage-access",
    ),
    "no page waits for a request that blocks it": ("sync-xhr",),
}  # fmt: skip
#: Security keys, for sign-in and confirmation.
ALLOWED_FEATURES: Final = ("publickey-credentials-create", "publickey-credentials-get")


def _build_permissions_policy() -> str:
    switched_off = sorted(name for names in DISABLED_FEATURES.values() for name in names)
    directives = [f"{name}=()" for name in switched_off] + [
        f"{name}=(self)" for name in ALLOWED_FEATURES
    ]
    return ", ".join(directives)


HEADERS: Final[Mapping[str, str]] = {
    "Permissions-Policy": _build_permissions_policy(),
    # No page of another site may embed our images, downloads or exports, not even unread.
    "Cross-Origin-Resource-Policy": "same-origin",
}


class BrowserHeadersMiddleware:
    """Sets the headers on responses of views and later middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response
