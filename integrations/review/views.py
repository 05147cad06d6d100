"""The reviewer's pages. All require the reviewer role and a second factor."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.coordination.task_queue import enqueue
from limited_use.evidence import forbidden_use_results
from limited_use.ledger import tile_store
from limited_use.ledger.tile_store import EntryNotSequenced
from limited_use.models.usage import EvidenceBundle, Refusal
from limited_use.policy import clauses as catalogue
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.rules import RULES
from limited_use.usage import rule_usage
from limited_use.usage.rule_usage import RuleUsageCount

from . import clause_pages, guide_views, named_ids, policy_table, review_labels
from .evidence import claim_register, test_results
from .messages import guide
from .named_ids import NamedId, NamedUse

WEEK = timedelta(days=7)
PAGE = 50
RUNS = 5
#: Longest search of clauses.
MAX_WORDS = 100


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def list_clauses(request: HttpRequest) -> HttpResponse:
    """Search by `q`; filter by `source` and `kept-by`. Other values count as no filter."""
    summaries = clause_pages.list_policy_clauses()
    sources = [title for title, _ in clause_pages.group_by_source(summaries)]
    query = {
        "words": request.GET.get("q", "").strip()[:MAX_WORDS],
        "source": _choose(request.GET.get("source", ""), sources),
        "kept_by": _choose(request.GET.get("kept-by", ""), clause_pages.KEPT_BY_CHOICES),
    }
    matches = clause_pages.filter_clauses(summaries, **query)
    context = {
        "groups": clause_pages.group_by_source(matches),
        "count": len(matches),
        "total": len(summaries),
        "sources": sources,
        "query": query,
        "is_filtered": any(query.values()),
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
        "rules": [(rule, totals.get(rule.id, RuleUsageCount())) for rule in RULES],
        "features": [
            (
                feature,
                named_ids.name_purposes(sorted(feature.purposes)),
                named_ids.name_data_classes(sorted(feature.data_classes)),
            )
            for feature in FEATURES.values()
        ],
        "all_else": policy_evaluation.ALL_ELSE,
        "all_else_count": totals.get(policy_evaluation.ALL_ELSE.rule_id, RuleUsageCount()),
    }
    return render(request, "review/policy.html", context)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_refusals(request: HttpRequest) -> HttpResponse:
    """Show the newest first; name no person. Runs of reviewers are apart."""
    at = timezone.now()
    refusals = rule_usage.list_refusals(before=_parse_before(request), limit=PAGE + 1)
    context = {
        "refusals": [(row, _name_feature(row.feature), _name_use(row)) for row in refusals[:PAGE]],
        "older": refusals[PAGE - 1].at if len(refusals) > PAGE else None,
        "by_feature": [
            (_name_feature(feature), rule, count)
            for feature, rule, count in rule_usage.count_refusals_by_feature(since=at - WEEK)
        ],
        "runs": forbidden_use_results.list_run_summaries(limit=RUNS),
    }
    return render(request, "review/refusals.html", context)


def _name_feature(feature: str) -> NamedId | None:
    """Return None for the service itself."""
    if not feature:
        return None
    return NamedId(feature, gettext(FEATURES[feature].title) if feature in FEATURES else feature)


def _name_use(refusal: Refusal) -> NamedUse:
    return named_ids.name_use(refusal.data_class, refusal.purpose, refusal.recipient)


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
        "row": named_ids.make_entry_row(entry),
        "said": [(name, value) for name, value in entry.said.items() if value not in (None, [])],
        "missing": [review_labels.describe_fact(fact) for fact in entry.said.get("missing", ())],
        "rule": rules_by_id.get(entry.said.get("rule", "")),
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
        "keys": guide_views.list_current_keys(),
    }
    return render(request, "review/evidence.html", context)


@require_POST
@require_permission(RolePermission.READ_EVIDENCE)
def request_bundle(request: HttpRequest) -> HttpResponse:
    if enqueue("integrations.make_evidence"):
        messages.success(request, guide.BUNDLE_STARTED)
    else:
        messages.error(request, guide.BUNDLE_NO_WORKER)
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


def _choose(value: str, choices: Collection[str]) -> str:
    return value if value in choices else ""


def _parse_before(request: HttpRequest) -> datetime | None:
    try:
        before = parse_datetime(request.GET.get("before", ""))
    except ValueError:
        return None
    return before if before is not None and before.tzinfo is not None else None
