"""
Google's webhooks: Pub/Sub for mailboxes, channels for calendars.

Callers are authenticated first: Pub/Sub by a token that Google signed for our service account and
this address, a channel by the token that we gave it. A notification of a deleted watch is
answered with 2xx, or Google would repeat it.
"""

from __future__ import annotations

import logging
from functools import partial
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations import push
from integrations.access import permits
from integrations.access.endpoints import get_provider_endpoints, get_push_endpoints
from integrations.providers import errors, id_tokens
from integrations.providers.google import pubsub
from integrations.push import notification_dispatch
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

from . import webhook_body

logger = logging.getLogger(__name__)

PROVIDER = "google"


# Only the token authenticates: `accounts.sessionless_requests` reads no session for this path.
@csrf_exempt
@never_cache
@require_POST
@webhook_body.limit_calls
def receive_pubsub_push(request: HttpRequest) -> HttpResponse:
    at, where = timezone.now(), get_push_endpoints(PROVIDER)
    sender = pubsub.PushSender(
        get_provider_endpoints(PROVIDER).issuer, where.pubsub_audience, where.pubsub_account
    )
    try:
        notice = pubsub.verify_notification(
            request.headers.get("Authorization", ""),
            lambda: webhook_body.read_body(request),
            sender,
            keys=id_tokens.get_key_cache(settings.GOOGLE.certs_url),
            at=at,
        )
        permit = permits.for_push_lookup(notice, at=at)
        receive = partial(
            push.receive_mailbox_notification, notice.address, PROVIDER, permit=permit, at=at
        )
        notification_dispatch.dispatch_notification(receive, at=at)
    except errors.IdentityRejected as error:
        logger.info("webhook.refused", extra={"provider": PROVIDER, "reason": error.reason})
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    except errors.Rejected as error:
        # A retry would be unreadable as well: after a refusal, Pub/Sub would repeat it for a week.
        logger.warning("webhook.unreadable", extra={"provider": PROVIDER, "reason": error.reason})
    except (errors.Unavailable, KeyStoreUnavailable):
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@csrf_exempt
@never_cache
@require_POST
@webhook_body.limit_calls
def receive_channel_call(request: HttpRequest) -> HttpResponse:
    """The notification consists of headers only."""
    at = timezone.now()
    receive = partial(
        push.receive_channel_notification,
        request.headers.get("X-Goog-Channel-Id", ""),
        request.headers.get("X-Goog-Channel-Token", ""),
        resource_id=request.headers.get("X-Goog-Resource-Id", ""),
        at=at,
    )
    try:
        notification_dispatch.dispatch_notification(receive, at=at)
    except push.CallerNotProven:
        logger.info("webhook.refused", extra={"provider": PROVIDER, "reason": "token"})
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    except KeyStoreUnavailable:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
