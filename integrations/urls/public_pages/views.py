"""Public pages without sign-in."""

from __future__ import annotations

import math
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.known_origins import DEVICE_KNOWN_FOR
from integrations.access import scopes
from integrations.connections import requested_permissions
from integrations.connections.requested_permissions import RequestedScope
from integrations.web import problem_catalogue
from limited_use.ledger import signing_keys
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import rotation_schedule

from . import messages

# Google's policy, which the Limited Use sentence must link to.
POLICY_URL = "https://developers.google.com/terms/api-services-user-data-policy"
# Pages of people are not indexed. Google's caller of channels may call webhooks, and obeys this:
# https://developers.google.com/crawling/docs/crawlers-fetchers
ROBOTS = """\
User-agent: APIs-Google
Allow: /webhooks/

User-agent: *
Allow: /webhooks/
Disallow: /accounts/
Disallow: /calendar/
Disallow: /connect/
Disallow: /inbox/
Disallow: /receipts/
Disallow: /settings/
Disallow: /support/
Disallow: /v1/
"""


@require_safe
def show_robots(_: HttpRequest) -> HttpResponse:
    return HttpResponse(ROBOTS, content_type="text/plain; charset=utf-8")


@require_safe
def show_home(request: HttpRequest) -> HttpResponse:
    features = [feature for feature in FEATURES.values() if feature.purposes]
    return render(request, "public/home.html", {"features": features})


@require_safe
def show_thanks(request: HttpRequest) -> HttpResponse:
    """Use the same words after every decision."""
    return render(request, "public/thanks.html")


@require_safe
def show_data_use(request: HttpRequest) -> HttpResponse:
    """Purposes, data and days come from the feature registry."""
    permissions: dict[str, list[RequestedScope]] = {}
    for permission in requested_permissions.list_all_permissions():
        permissions.setdefault(permission.provider, []).append(permission)
    context = {
        **_describe_handling(),
        "features": [_present_feature(feature) for feature in FEATURES.values()],
        "permissions_by_provider": list(permissions.items()),
    }
    return render(request, "public/data_use.html", context)


@require_safe
def show_privacy_notice(request: HttpRequest) -> HttpResponse:
    """Show this service's own notice, or redirect to the notice at another address."""
    own_address = settings.PUBLIC_URL + request.path
    if own_address != settings.PRIVACY_NOTICE_URL:
        return HttpResponseRedirect(settings.PRIVACY_NOTICE_URL)
    context = {
        **_describe_handling(),
        "features": [feature for feature in FEATURES.values() if feature.purposes],
    }
    return render(request, "public/privacy_notice.html", context)


@require_safe
def show_disconnect_help(request: HttpRequest) -> HttpResponse:
    return render(request, "public/disconnect_help.html", _describe_handling())


@require_safe
def show_contact(request: HttpRequest) -> HttpResponse:
    return render(request, "public/contact.html", {"support_email": settings.SUPPORT_EMAIL})


@require_safe
def show_cookies(request: HttpRequest) -> HttpResponse:
    session_hours = settings.SESSION_COOKIE_AGE // 3600
    cookies = [
        {
            "name": settings.SESSION_COOKIE_NAME,
            "purpose": messages.SESSION_COOKIE,
            "expires": messages.SESSION_EXPIRY % {"hours": session_hours},
        },
        {
            "name": settings.CSRF_COOKIE_NAME,
            "purpose": messages.FORM_COOKIE,
            "expires": messages.FORM_EXPIRY % {"days": settings.CSRF_COOKIE_AGE // 86400},
        },
        {
            "name": settings.DEVICE_COOKIE_NAME,
            "purpose": messages.DEVICE_COOKIE,
            "expires": messages.DEVICE_EXPIRY % {"days": DEVICE_KNOWN_FOR.days},
        },
    ]
    return render(request, "public/cookies.html", {"cookies": cookies})


@require_safe
def show_children(request: HttpRequest) -> HttpResponse:
    return render(request, "public/children.html")


@require_safe
def show_session_replay(request: HttpRequest) -> HttpResponse:
    return render(request, "public/session_replay.html")


@require_safe
def show_accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "public/accessibility.html")


def _present_feature(feature: Feature) -> dict[str, Any]:
    return {
        "feature": feature,
        "data": [
            text for data_class, text in messages.DATA.items() if data_class in feature.data_classes
        ],
    }


def _describe_handling() -> dict[str, Any]:
    """Return what the parts on protection, retention and disconnecting show."""
    days = scopes.get_retention_days(FEATURES.values())
    return {
        "forbidden": [rule for rule in policy_evaluation.RULES if not rule.allow],
        "policy_url": POLICY_URL,
        "revoke_pages": messages.REVOKE_PAGES,
        "horizon_days": days,
        "grace_days": settings.REAUTH_GRACE_DAYS,
        "backup_days": settings.BACKUP_RETENTION_DAYS,
        "key_epoch_hours": settings.KEY_EPOCH_HOURS,
        "own_key_days": math.ceil(rotation_schedule.get_max_hours(KeyLine.OWN) / 24),
    }


@require_safe
def show_keys(request: HttpRequest) -> HttpResponse:
    """Include former keys of receipts and checkpoints."""
    history = signing_keys.list_published_keys()
    if request.GET.get("format") == "text":
        body = "".join(f"{signing_key.key}\n" for signing_key in history)
        return HttpResponse(body, content_type="text/plain; charset=utf-8")
    former = [signing_key for signing_key in history if signing_key.until is not None]
    current = [signing_key for signing_key in history if signing_key.until is None]
    return render(request, "public/keys.html", {"current": current, "former": former})


@require_safe
def show_problem(request: HttpRequest, code: str) -> HttpResponse:
    """Show the page of a problem document's `type`."""
    problem_type = problem_catalogue.EXPLAINED.get(code)
    if problem_type is None:
        raise Http404
    context = {
        "problem": problem_type,
        "code": code,
        "explanation": problem_type.says,
        "refusal": None,
        "asks_again": False,
        "is_reference": True,
        "asks_for_agreement": False,
    }
    return render(request, "public/problem.html", context)
