"""Public pages without sign-in."""

from __future__ import annotations

import math

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from integrations.access import scopes
from integrations.connections import requested_permissions
from integrations.mail.sync_controls import HORIZONS
from integrations.web import problem_catalogue
from limited_use.ledger import signing_keys
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.key_lines import KeyLine
from limited_use.rotation import rotation_schedule

# Google's policy, which the Limited Use sentence must link to.
POLICY_URL = "https://developers.google.com/terms/api-services-user-data-policy"
# Provider pages on which owners remove access.
REVOKE_PAGES = (
    ("Google: your connections to apps and services", "https://myaccount.google.com/connections"),
    ("Microsoft personal accounts: apps and services", "https://account.live.com/consent/Manage"),
    ("Microsoft work or school accounts: My Apps", "https://myapps.microsoft.com"),
)

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
    return render(
        request,
        "public/home.html",
        {"features": features, "privacy_url": settings.PRIVACY_NOTICE_URL},
    )


@require_safe
def show_thanks(request: HttpRequest) -> HttpResponse:
    """Use the same words after every decision."""
    return render(request, "public/thanks.html")


@require_safe
def show_data_use(request: HttpRequest) -> HttpResponse:
    """Purposes, data and days come from the feature registry."""
    context = {
        "features": FEATURES.values(),
        "forbidden": [rule for rule in policy_evaluation.RULES if not rule.allow],
        "requests": requested_permissions.list_all_permissions(),
        "policy_url": POLICY_URL,
        "privacy_url": settings.PRIVACY_NOTICE_URL,
        "revoke_pages": REVOKE_PAGES,
        "horizon_days": (days := scopes.get_retention_days(FEATURES.values())),
        "horizon_choices": _other_horizons(days),
        "grace_days": settings.REAUTH_GRACE_DAYS,
        "backup_days": settings.BACKUP_RETENTION_DAYS,
        "key_epoch_hours": settings.KEY_EPOCH_HOURS,
        "own_key_days": math.ceil(rotation_schedule.get_max_hours(KeyLine.OWN) / 24),
    }
    return render(request, "public/data_use.html", context)


def _other_horizons(days: int | None) -> str:
    """Return the other horizons, as in “30, 365 or all”."""
    return f"{', '.join(str(choice) for choice in HORIZONS if choice != days)} or all"


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
        "says": "",
        "refusal": None,
        "asks_again": False,
    }
    return render(request, "public/problem.html", context)
