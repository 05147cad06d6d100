"""The link back to the page that lacked a permission, after the grant."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from .connect_results import ConnectResult
from .messages.connect import RETURN_LABELS

_SESSION_KEY: Final = "connect_came_from"


def remember_origin(request: HttpRequest) -> None:
    """Store the page of origin if it has a label; otherwise clear it."""
    origin = request.GET.get("from", "")
    if origin in RETURN_LABELS:
        request.session[_SESSION_KEY] = origin
    else:
        request.session.pop(_SESSION_KEY, None)


def add_return_link(request: HttpRequest, outcome: ConnectResult | None) -> ConnectResult | None:
    origin = str(request.session.get(_SESSION_KEY, ""))
    if outcome is None or outcome.tone != "good" or origin not in RETURN_LABELS:
        return outcome
    return replace(outcome, action_says=RETURN_LABELS[origin], action_url=reverse(origin))
