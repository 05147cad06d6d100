"""
Microsoft's webhook: validation of the address, and notifications of subscriptions.

Anyone who knows the address can send a validation: its token is returned as plain text and
nothing else. A notification is authenticated by the token that we gave the subscription; one of a
deleted subscription is also answered with 2xx. Microsoft delays or drops notifications if
responses are slow, so the webhook calls no provider.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from functools import partial
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations import push
from integrations.providers import errors
from integrations.providers.microsoft import notifications
from integrations.providers.push import SubscriptionNotification
from integrations.push import notification_dispatch
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import webhook_body

logger = logging.getLogger(__name__)

PROVIDER = "microsoft"
# One call may hold several hundred changes of some six hundred bytes.
LONGEST = 512 * 1024


# Only the token authenticates: `accounts.sessionless_requests` reads no session for this path.
@csrf_exempt
@never_cache
@require_POST
@webhook_body.limit_calls
def receive_subscription_call(request: HttpRequest) -> HttpResponse:
    if "validationToken" in request.GET:
        return _answer_validation(request.GET["validationToken"])
    try:
        is_proven = _dispatch_each(
            notifications.parse_notifications(webhook_body.read_body(request, longest=LONGEST))
        )
    except errors.Rejected as error:
        # A retry would be unreadable as well: after a refusal, Microsoft would repeat it for four
        # hours.
        logger.warning("webhook.unreadable", extra={"provider": PROVIDER, "reason": error.reason})
        return HttpResponse(status=HTTPStatus.ACCEPTED)
    except KeyStoreUnavailable:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if not is_proven:
        logger.info("webhook.refused", extra={"provider": PROVIDER, "reason": "token"})
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    return HttpResponse(status=HTTPStatus.ACCEPTED)


def _answer_validation(token: str) -> HttpResponse:
    text = notifications.check_validation_token(token)
    if text is None:
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _dispatch_each(calls: list[SubscriptionNotification]) -> bool:
    """Return whether any notification is authenticated."""
    at, is_proven = timezone.now(), False
    for call in calls:
        receive = partial(push.receive_subscription_notification, call, at=at)
        with suppress(push.CallerNotProven):
            notification_dispatch.dispatch_notification(receive, at=at)
            is_proven = True
    return is_proven
