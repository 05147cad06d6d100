"""
A posted form that waits in the session until its sender has confirmed their identity.

django-allauth stores the whole request, even session key and server environment; this module
keeps only the necessary parts, encrypted.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from django.http import HttpRequest, HttpResponse

from accounts import mfa_secrets
from accounts.allauth_private import (
    REQUEST_KEY,
    SUSPENDED_REQUEST_KEY,
    find_suspended_request,
)

_CONTEXT: Final = b"antares accounts suspended request v1"
# Parts that a view may read in the rerun, in addition to path and form.
_STORED_META: Final = frozenset(
    {
        "REQUEST_METHOD", "PATH_INFO", "SCRIPT_NAME", "CONTENT_TYPE", "SERVER_NAME", "SERVER_PORT",
        "SERVER_PROTOCOL", "HTTP_HOST", "HTTP_ACCEPT", "REMOTE_ADDR",
    }
)  # fmt: skip


class PendingPostsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _decrypt_post(request)
        try:
            return self._get_response(request)
        finally:
            _encrypt_post(request)


def _decrypt_post(request: HttpRequest) -> None:
    """Decrypt a pending post for allauth, or drop it if no configured secret decrypts it."""
    state = _find_state(request)
    if state is None:
        return
    # Do not write a session that was only read.
    was_modified = request.session.modified
    try:
        state[REQUEST_KEY] = mfa_secrets.decrypt_secret(state[REQUEST_KEY], context=_CONTEXT)
    except (mfa_secrets.SecretUnreadable, ValueError):
        del request.session[SUSPENDED_REQUEST_KEY]
    else:
        request.session.modified = was_modified


def _encrypt_post(request: HttpRequest) -> None:
    state = _find_state(request)
    if state is None:
        return
    post: dict[str, Any] = json.loads(state[REQUEST_KEY])
    post["META"] = {name: value for name, value in post["META"].items() if name in _STORED_META}
    state[REQUEST_KEY] = mfa_secrets.encrypt_secret(json.dumps(post), context=_CONTEXT)


def _find_state(request: HttpRequest) -> dict[str, Any] | None:
    # Without a cookie, do not look for a session.
    return find_suspended_request(request.session) if request.session.session_key else None
