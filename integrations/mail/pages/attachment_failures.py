"""The page in place of an attachment that the provider does not deliver."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from integrations.access.request_context import RequestContext
from integrations.mail import messages
from integrations.mail.remote_message_refs import RemoteMessageRef
from integrations.models import Integration, Message
from integrations.providers import PROVIDERS, errors
from integrations.web import retry_pages


class MessagePlace(NamedTuple):
    """
    :param url: the page of the attachment's message
    :param provider: key; empty if unknown
    """

    url: str
    provider: str


def find_stored_message(context: RequestContext, message_id: UUID) -> MessagePlace:
    """Return the inbox if the message was deleted since."""
    own_messages = Message.objects.filter(id=message_id, user_id=context.user_id)
    row = own_messages.values_list("thread_id", "integration__connection__provider").first()
    if row is None:
        return MessagePlace(reverse("inbox"), "")
    thread_id, provider = row
    return MessagePlace(reverse("inbox-thread", args=[thread_id]), provider)


def find_remote_message(ref: RemoteMessageRef) -> MessagePlace:
    """:param ref: to the attachment; it names its message too"""
    integrations = Integration.objects.filter(id=ref.integration_id)
    provider = integrations.values_list("connection__provider", flat=True).first() or ""
    url = reverse("inbox-elsewhere", args=[ref.integration_id, ref.row, ref.seal])
    return MessagePlace(url, provider)


def build_failure_page(
    request: HttpRequest, error: errors.ProviderError, place: MessagePlace
) -> HttpResponse:
    """Return a page with the reason and next steps; after a rate limit it retries by itself."""
    is_rate_limit = isinstance(error, errors.RateLimited)
    provider = PROVIDERS.get(place.provider)
    context = {
        "reason": messages.SLOW_DOWN if is_rate_limit else messages.explain_attachment_error(error),
        "retries": is_rate_limit and retry_pages.will_retry(request),
        "needs_reconnect": isinstance(error, messages.ACCESS_ERRORS),
        "message_url": place.url,
        "provider": provider,
    }
    response = render(request, "inbox/attachment_failed.html", context, status=503)
    if not isinstance(error, errors.RateLimited):
        return response
    return retry_pages.add_retry(request, response, error.retry_after)
