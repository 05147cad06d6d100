"""
What Microsoft calls: a trial of the address, and subscriptions with news or word of themselves.

A trial comes while a subscription is being made, from whoever knows the address; what is said back
is said as text and as nothing else. A call is proven by what we gave the subscription to say, and
is a hint; an answer of 2xx says that it was heard, and so it is for what is gone. Slow answers make
Microsoft tell later or not at all, so that nothing is asked of anybody here.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations import hints
from integrations.providers import errors
from integrations.providers.microsoft import notifying
from integrations.providers.pushes import Call
from limited_use.vault.keyring.port import KeyStoreUnavailable

from . import reading

logger = logging.getLogger(__name__)

PROVIDER = "microsoft"
# Of several hundred changes at once each is an item of some six hundred bytes.
LONGEST = 512 * 1024


# What a call says is all that counts: `accounts.sessionless` answers before any session.
@csrf_exempt
@never_cache
@require_POST
@reading.limited
def subscription(request: HttpRequest) -> HttpResponse:
    """Take a trial, or what subscriptions tell."""
    if "validationToken" in request.GET:
        return _trial(request.GET["validationToken"])
    try:
        proven = _heard(notifying.calls(reading.body(request, longest=LONGEST)))
    except errors.Rejected as error:
        # Theirs, and no better the next time: refused, it would come for four hours.
        logger.warning("webhook.unreadable", extra={"provider": PROVIDER, "reason": error.reason})
        return HttpResponse(status=HTTPStatus.ACCEPTED)
    except KeyStoreUnavailable:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if not proven:
        logger.info("webhook.refused", extra={"provider": PROVIDER, "reason": "token"})
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    return HttpResponse(status=HTTPStatus.ACCEPTED)


def _trial(token: str) -> HttpResponse:
    said = notifying.trial(token)
    if said is None:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    answer = HttpResponse(said, content_type="text/plain; charset=utf-8")
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _heard(calls: list[Call]) -> bool:
    """Hear each, and return whether any was of ours: one call may speak for several."""
    at, is_ours = timezone.now(), False
    for one in calls:
        with suppress(hints.NotProven):
            hints.of_subscription(one, at=at)
            is_ours = True
    return is_ours
