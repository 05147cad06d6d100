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

from accounts import factor_secrets
from accounts.allauth_private import (
    REQUEST_KEY,
    SUSPENDED_REQUEST_KEY,
    find_suspended_request,
)

_CONTEXT: Final = b"antares accounts suspended request v1"
# What a view may ask of a request that is run again, beside its path and its form.
_KEPT: Final = frozenset(
    {
        "REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME", "CONTENT_TYPE", "SERVER_NAME", "SERVER_PORT",
        "SERVER_PROTOCOL", "HTTP_HOST", "HTTP_ACCEPT", "REMOTE_ADDR",
    }
)  # fmt: skip


class SuspendedRequests:
    """Stands just outside of django-allauth's middleware: sees what it left in the session."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _open(request)
        try:
            return self._get_response(request)
        finally:
            _seal(request)


def _open(request: HttpRequest) -> None:
    """Show a form that waits to whoever may run it now; drop one that no secret opens."""
    state = _state(request)
    if state is None:
        return
    # Looking is no change: a session that nobody touched is not written again.
    was_modified = request.session.modified
    try:
        state[REQUEST_KEY] = factor_secrets.open_(state[REQUEST_KEY], context=_CONTEXT)
    except (factor_secrets.Unreadable, ValueError):
        del request.session[SUSPENDED_REQUEST_KEY]
    else:
        request.session.modified = was_modified


def _seal(request: HttpRequest) -> None:
    state = _state(request)
    if state is None:
        return
    kept: dict[str, Any] = json.loads(state[REQUEST_KEY])
    kept["META"] = {name: value for name, value in kept["META"].items() if name in _KEPT}
    state[REQUEST_KEY] = factor_secrets.seal(json.dumps(kept), context=_CONTEXT)


def _state(request: HttpRequest) -> dict[str, Any] | None:
    """Return what waits, where that is a request."""
    # A cookie is what makes a session worth looking up.
    return find_suspended_request(request.session) if request.session.session_key else None
