"""
What Google calls: Pub/Sub with news of mailboxes, and channels of calendars.

Whoever calls has to prove itself first: Pub/Sub by a token that Google signed for our service
account and this address, a channel by the token that we gave it. What they say is a hint; an answer
of 2xx says that it was heard, and so it is for what is gone, or nobody would stop calling.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from integrations import hints
from integrations.endpoints import endpoints, news
from integrations.providers import errors, identity
from integrations.providers.google import push
from limited_use.vault.keyring import KeyStoreUnavailable

from . import reading

logger = logging.getLogger(__name__)

PROVIDER = "google"


# What the token says is all that counts: `accounts.sessionless` answers before any session.
@csrf_exempt
@never_cache
@require_POST
@reading.limited
def pubsub(request: HttpRequest) -> HttpResponse:
    """Take a notification of a mailbox."""
    at, where = timezone.now(), news(PROVIDER)
    sender = push.Sender(endpoints(PROVIDER).issuer, where.audience, where.account)
    try:
        notice = push.notice(
            request.headers.get("Authorization", ""),
            lambda: reading.body(request),
            sender,
            keys=identity.keys_at(settings.GOOGLE.certs_url),
            at=at,
        )
        hints.of_mailbox(notice, provider=PROVIDER, at=at)
    except errors.IdentityRejected as error:
        logger.info("webhook.refused", extra={"provider": PROVIDER, "reason": error.reason})
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    except errors.Rejected as error:
        # Theirs, and no better the next time: refused, it would come for a week.
        logger.warning("webhook.unreadable", extra={"provider": PROVIDER, "reason": error.reason})
    except (errors.Unavailable, KeyStoreUnavailable):
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


@csrf_exempt
@never_cache
@require_POST
@reading.limited
def channel(request: HttpRequest) -> HttpResponse:
    """Take a call of a channel; it has no body that anybody reads."""
    try:
        hints.of_channel(
            request.headers.get("X-Goog-Channel-Id", ""),
            request.headers.get("X-Goog-Channel-Token", ""),
            resource_id=request.headers.get("X-Goog-Resource-Id", ""),
            at=timezone.now(),
        )
    except hints.NotProven:
        logger.info("webhook.refused", extra={"provider": PROVIDER, "reason": "token"})
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    except KeyStoreUnavailable:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
