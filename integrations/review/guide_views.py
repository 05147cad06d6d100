"""The start page, and the pages of a reviewer's first ten minutes."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from limited_use.evidence import stored_bundles
from limited_use.ledger import signing_keys
from limited_use.policy.clauses import CLAUSES
from limited_use.policy.clauses.clause_types import ANTARES

from . import (
    assessment_page,
    clause_pages,
    deletion_page,
    human_access_page,
    pictures,
    scope_table,
    service_addresses,
)
from .evidence import test_results
from .messages import flow, guide
from .messages.guide import GuideStep


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_start(request: HttpRequest) -> HttpResponse:
    summaries = clause_pages.list_policy_clauses()
    context = {
        "steps": guide.STEPS,
        "clause_count": len(summaries),
        "enforced_count": sum(summary.is_enforced for summary in summaries),
        "duty_count": sum(summary.clause.duty is not None for summary in summaries),
        "unmet": [summary for summary in summaries if not summary.is_met],
        "bundle": stored_bundles.get_latest_evidence_bundle(),
        "results": test_results.load_results(),
    }
    return render(request, "review/start.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_domains(request: HttpRequest) -> HttpResponse:
    addresses = service_addresses.list_service_addresses()
    context = {
        "addresses": addresses,
        "domains": service_addresses.list_domains(addresses),
        "home": service_addresses.get_public_page("home"),
    }
    return _render_step(request, "review-domains", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_privacy(request: HttpRequest) -> HttpResponse:
    context = {
        "statement": guide.LIMITED_USE_STATEMENT,
        "data_use": service_addresses.get_public_page("data-use"),
        "notice": settings.PRIVACY_NOTICE_URL,
        "sentences": clause_pages.filter_clauses(
            clause_pages.list_policy_clauses(), source=ANTARES.title
        ),
    }
    return _render_step(request, "review-privacy", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_scopes(request: HttpRequest) -> HttpResponse:
    context = {
        "rows": scope_table.list_scope_rows(),
        "identity_picture": pictures.find_picture(scope_table.IDENTITY_PICTURE),
    }
    return _render_step(request, "review-scopes", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_consent_flow(request: HttpRequest) -> HttpResponse:
    return _render_step(
        request,
        "review-consent-flow",
        {"flow": [(part, pictures.find_picture(part.picture)) for part in flow.STEPS]},
    )


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_deletion(request: HttpRequest) -> HttpResponse:
    context = {
        "page": deletion_page.build_deletion_page(),
        "keys_page": service_addresses.get_public_page("keys"),
        "keys": list_current_keys(),
    }
    return _render_step(request, "review-deletion", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_human_access(request: HttpRequest) -> HttpResponse:
    context = {"page": human_access_page.build_human_access_page()}
    return _render_step(request, "review-human-access", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_assessment(request: HttpRequest) -> HttpResponse:
    results = test_results.load_results()
    context = {"page": assessment_page.build_assessment_page(results), "results": results}
    return _render_step(request, "review-assessment", context)


def list_current_keys() -> list[str]:
    """Return the public keys that sign receipts, evidence and checkpoints now."""
    return [
        str(signing_key.key)
        for signing_key in signing_keys.list_published_keys()
        if signing_key.until is None
    ]


def _render_step(request: HttpRequest, route: str, context: dict[str, Any]) -> HttpResponse:
    number, step = next(
        (number, step) for number, step in enumerate(guide.STEPS, 1) if step.route == route
    )
    following: GuideStep | None = guide.STEPS[number] if number < len(guide.STEPS) else None
    shared: dict[str, Any] = {
        "step": step,
        "number": number,
        "following": following,
        "clauses": [CLAUSES[clause_id] for clause_id in step.clauses],
    }
    template = f"review/{route.removeprefix('review-').replace('-', '_')}.html"
    return render(request, template, {**shared, **context})
