"""
A form that was sent before its sender confirmed who they are, and waits for that in the session.

django-allauth keeps the whole request: every header with the session's own key in the cookie,
what the server's process has in its environment, all that was typed. Here it keeps what
running it again needs, and that encrypted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from accounts import mfa_secrets

# Where allauth keeps it; a test sees that it still does.
STATE_SESSION_KEY: Final = "account_reauthentication_state"
_REQUEST: Final = "request"
_CONTEXT: Final = b"antares accounts suspended request v1"
# What a view may ask of a request that is run again, beside its path and its form.
_KEPT: Final = frozenset(
    {
        "REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME", "CONTENT_TYPE", "SERVER_NAME", "SERVER_PORT",
        "SERVER_PROTOCOL", "HTTP_HOST", "HTTP_ACCEPT", "REMOTE_ADDR",
    }
)  # fmt: skip


class PendingPosts:
    """Stands just outside of django-allauth's middleware: sees what it left in the session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _decrypt_post(request)
        try:
            return self._get_response(request)
        finally:
            _encrypt_post(request)


def _decrypt_post(request: HttpRequest) -> None:
    """Show a form that waits to whoever may run it now; drop one that no secret opens."""
    state = _find_state(request)
    if state is None:
        return
    # Looking is no change: a session that nobody touched is not written again.
    was_modified = request.session.modified
    try:
        state[_REQUEST] = mfa_secrets.decrypt_secret(state[_REQUEST], context=_CONTEXT)
    except (mfa_secrets.Unreadable, ValueError):
        del request.session[STATE_SESSION_KEY]
    else:
        request.session.modified = was_modified


def _encrypt_post(request: HttpRequest) -> None:
    state = _find_state(request)
    if state is None:
        return
    kept: dict[str, Any] = json.loads(state[_REQUEST])
    kept["META"] = {name: value for name, value in kept["META"].items() if name in _KEPT}
    state[_REQUEST] = mfa_secrets.encrypt_secret(json.dumps(kept), context=_CONTEXT)


def _find_state(request: HttpRequest) -> dict[str, Any] | None:
    """Return what waits, where that is a request."""
    # A cookie is what makes a session worth looking up.
    found = request.session.get(STATE_SESSION_KEY) if request.session.session_key else None
    return found if isinstance(found, dict) and _REQUEST in found else None
