"""The reviewer's pages. All require the reviewer role and a second factor."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.coordination.task_queue import enqueue
from limited_use.evidence import stored_bundles
from limited_use.ledger import signing_keys, tile_store
from limited_use.ledger.tile_store import EntryNotSequenced
from limited_use.models.usage import EvidenceBundle
from limited_use.policy import clauses as catalogue
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.rules import RULES
from limited_use.usage import rule_usage

from . import clause_pages, policy_table, review_labels
from .evidence import claim_register, test_results

WEEK = timedelta(days=7)
PAGE = 50


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_overview(request: HttpRequest) -> HttpResponse:
    groups = clause_pages.list_policy_clauses()
    summaries = [line for _, lines in groups for line in lines]
    context = {
        "groups": groups,
        "count": len(summaries),
        "enforced_count": sum(line.is_enforced for line in summaries),
        "duty_count": sum(line.clause.duty is not None for line in summaries),
        "broken": [line for line in summaries if not line.is_met],
        "bundle": stored_bundles.get_latest_evidence_bundle(),
        "results": test_results.load_results(),
    }
    return render(request, "review/clauses.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_clause(request: HttpRequest, clause_id: str) -> HttpResponse:
    clause = catalogue.CLAUSES.get(clause_id)
    if clause is None:
        raise Http404
    return render(
        request,
        "review/clause.html",
        {"page": clause_pages.build_clause_page(clause, at=timezone.now())},
    )


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_policy(request: HttpRequest) -> HttpResponse:
    (size, open_count), totals = policy_table.count_uses(), rule_usage.get_rule_usage_totals()
    context = {
        "blocks": policy_table.list_policy_purposes(),
        "size": size,
        "open_count": open_count,
        "closed_count": size - open_count,
        "rules": [(rule, totals.get(rule.id, rule_usage.RuleUsageCount())) for rule in RULES],
        "features": FEATURES.values(),
    }
    return render(request, "review/policy.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_refusals(request: HttpRequest) -> HttpResponse:
    """Show the newest first; name no person."""
    at = timezone.now()
    refusals = rule_usage.list_refusals(before=_parse_before(request), limit=PAGE + 1)
    context = {
        "refusals": refusals[:PAGE],
        "older": refusals[PAGE - 1].at if len(refusals) > PAGE else None,
        "by_feature": rule_usage.count_refusals_by_feature(since=at - WEEK),
    }
    return render(request, "review/refusals.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    try:
        entry = rule_usage.get_ledger_entry_details(entry_id)
    except rule_usage.LedgerEntryNotFound:
        raise Http404 from None
    rules_by_id = {rule.id: rule for rule in RULES}
    context = {
        "entry": entry,
        "is_decision": "purpose" in entry.said,
        "said": [(name, value) for name, value in entry.said.items() if value not in (None, [])],
        "rule": rules_by_id.get(entry.said.get("rule", "")),
        "keys": [
            signing_key.key
            for signing_key in signing_keys.list_published_keys()
            if signing_key.until is None
        ],
    }
    return render(request, "review/entry.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_proof(_: HttpRequest, entry_id: UUID) -> HttpResponse:
    """See https://c2sp.org/tlog-proof."""
    try:
        rule_usage.get_ledger_entry_details(entry_id)
        [proven] = tile_store.prove_entries([entry_id])
    except (rule_usage.LedgerEntryNotFound, EntryNotSequenced):
        raise Http404 from None
    response = HttpResponse(proven.proof, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{entry_id}.tlog-proof"'
    return response


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_evidence(request: HttpRequest) -> HttpResponse:
    results = test_results.load_results()
    context = {
        "results": results,
        "claims": [
            (claim, review_labels.list_tests(results.list_tests("claim", claim.id)))
            for claim in claim_register.collect_claims()
        ],
        "bundles": list(EvidenceBundle.objects.defer("document").order_by("-made_at", "-id")),
        "keys": [
            signing_key.key
            for signing_key in signing_keys.list_published_keys()
            if signing_key.until is None
        ],
    }
    return render(request, "review/evidence.html", context)


@require_POST
@require_permission(RolePermission.READ_EVIDENCE)
def request_bundle(request: HttpRequest) -> HttpResponse:
    if enqueue("integrations.make_evidence"):
        messages.success(request, "A bundle is being made. Load this page again in a moment.")
    else:
        messages.error(request, "No worker can be reached now. One is made every day by itself.")
    return redirect("review-evidence")


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def download_bundle(_: HttpRequest, bundle_id: UUID) -> HttpResponse:
    """Send the exact bytes: they are signed."""
    bundle = EvidenceBundle.objects.filter(id=bundle_id).first()
    if bundle is None:
        raise Http404
    response = HttpResponse(bytes(bundle.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="evidence-{bundle.id}.json"'
    return response


def _parse_before(request: HttpRequest) -> datetime | None:
    try:
        before = parse_datetime(request.GET.get("before", ""))
    except ValueError:
        return None
    return before if before is not None and before.tzinfo is not None else None
