"""The link in a mail that stops its kind (RFC 8058): one POST, without a session."""

from __future__ import annotations

from typing import Final

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import request_limits, row_owner
from accounts.rate_limit_counters import Rate
from integrations.notifications import notice_preferences, notice_stop_links
from integrations.notifications.notice_stop_links import StopLink, StopLinkInvalid
from integrations.outbox import notice_mail

from . import messages

RATE: Final = Rate("notice-stop", 60, 60)


# A mail program sends no form token and no cookie. The signed link can only stop one kind.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop_notices(request: HttpRequest, token: str) -> HttpResponse:
    """Show a button; on POST, stop. A mail scanner that opens the link changes nothing."""
    usage = request_limits.count_for_network(request, RATE)
    if not usage.is_within:
        return _protect(request_limits.render_too_many(request, usage))
    try:
        link = notice_stop_links.read_stop_token(token)
    except StopLinkInvalid:
        raise Http404 from None
    if request.method == "POST":
        _stop_mail(link)
    context = {
        "kind": link.kind,
        "is_stopped": request.method == "POST",
        "stopped": messages.STOPPED,
    }
    return _protect(render(request, "settings/notices/stop.html", context))


def _stop_mail(link: StopLink) -> None:
    at = timezone.now()
    with row_owner.acting_for(link.user_id, link.organisation_id), transaction.atomic():
        notice_preferences.stop_mail(
            link.kind, user_id=link.user_id, organisation_id=link.organisation_id, at=at
        )
        notice_mail.stop_queued_notices(
            user_id=link.user_id,
            organisation_id=link.organisation_id,
            kind=link.kind.key,
            at=at,
        )


def _protect(response: HttpResponse) -> HttpResponse:
    # The URL is the only secret.
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response
