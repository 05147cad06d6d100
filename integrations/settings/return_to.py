"""The link back to the page that lacked a permission, after the grant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from .connect_results import ConnectResult

_SESSION_KEY: Final = "connect_came_from"
# Link text by route. Other routes are never linked.
_LINK_LABELS: Final[Mapping[str, str]] = {"calendar-new": "Go on with the new event"}


def remember_origin(request: HttpRequest) -> None:
    """Store the page of origin if it is in the fixed list; otherwise clear it."""
    origin = request.GET.get("from", "")
    if origin in _LINK_LABELS:
        request.session[_SESSION_KEY] = origin
    else:
        request.session.pop(_SESSION_KEY, None)


def add_return_link(request: HttpRequest, outcome: ConnectResult | None) -> ConnectResult | None:
    origin = str(request.session.get(_SESSION_KEY, ""))
    if outcome is None or outcome.tone != "good" or origin not in _LINK_LABELS:
        return outcome
    return replace(outcome, action_says=_LINK_LABELS[origin], action_url=reverse(origin))
