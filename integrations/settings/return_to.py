"""Where somebody was when a permission was missing: the way back, once they have given it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from .connect_results import Shown

_CAME_FROM: Final = "connect_came_from"
# By the name of the page, what its link says. No other place is ever led to.
_PLACES: Final[Mapping[str, str]] = {"calendar-new": "Go on with the new event"}


def remember(request: HttpRequest) -> None:
    """Keep in the session where they say that they come from; what is no such place is none."""
    came_from = request.GET.get("from", "")
    if came_from in _PLACES:
        request.session[_CAME_FROM] = came_from
    else:
        request.session.pop(_CAME_FROM, None)


def with_way_back(request: HttpRequest, outcome: Shown | None) -> Shown | None:
    """Return a good end with a link to where they came from, where they said so."""
    came_from = str(request.session.get(_CAME_FROM, ""))
    if outcome is None or outcome.tone != "good" or came_from not in _PLACES:
        return outcome
    return replace(outcome, action_says=_PLACES[came_from], action_url=reverse(came_from))
