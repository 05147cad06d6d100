"""Where somebody was when a permission was missing: the way back, once they have given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from .connect_results import ConnectResult

_SESSION_KEY: Final = "connect_came_from"
# By the name of the page, what its link says. No other place is ever led to.
_LINK_LABELS: Final[Mapping[str, str]] = {"calendar-new": "Go on with the new event"}


def remember_origin(request: HttpRequest) -> None:
    """Keep in the session where they say that they come from; what is no such place is none."""
    origin = request.GET.get("from", "")
    if origin in _LINK_LABELS:
        request.session[_SESSION_KEY] = origin
    else:
        request.session.pop(_SESSION_KEY, None)


def add_return_link(request: HttpRequest, outcome: ConnectResult | None) -> ConnectResult | None:
    """Return a good end with a link to where they came from, where they said so."""
    origin = str(request.session.get(_SESSION_KEY, ""))
    if outcome is None or outcome.tone != "good" or origin not in _LINK_LABELS:
        return outcome
    return replace(outcome, action_says=_LINK_LABELS[origin], action_url=reverse(origin))
