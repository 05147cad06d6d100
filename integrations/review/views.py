"""The reviewer's pages: parse, one call, render. All are for reviewers with a second factor."""

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

from accounts.permissions import page
from accounts.roles import Permission
from integrations.coordination.task_queue import enqueue
from limited_use.evidence import stored_bundles
from limited_use.ledger import signing_keys, tile_store
from limited_use.ledger.tile_store import NotSequenced
from limited_use.models.usage import EvidenceBundle
from limited_use.policy import clauses as catalogue
from limited_use.policy.features import FEATURES
from limited_use.policy.rules import RULES
from limited_use.usage import rule_usage

from . import clauses, policy_table, review_labels
from .evidence import claim_register, test_results

WEEK = timedelta(days=7)
PAGE = 50


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def overview(request: HttpRequest) -> HttpResponse:
    """Return every clause, by document, with how it is kept."""
    groups = clauses.lines()
    every = [line for _, lines in groups for line in lines]
    context = {
        "groups": groups,
        "count": len(every),
        "enforced_count": sum(line.is_enforced for line in every),
        "duty_count": sum(line.clause.duty is not None for line in every),
        "broken": [line for line in every if not line.is_met],
        "bundle": stored_bundles.latest(),
        "results": test_results.load(),
    }
    return render(request, "review/clauses.html", context)


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def clause(request: HttpRequest, clause_id: str) -> HttpResponse:
    """Return one clause: the rules that enforce it, the tests, and the entries of the ledger."""
    found = catalogue.CLAUSES.get(clause_id)
    if found is None:
        raise Http404
    return render(request, "review/clause.html", {"page": clauses.page(found, at=timezone.now())})


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def policy(request: HttpRequest) -> HttpResponse:
    """Return the whole policy: every use there is, and every rule."""
    (size, open_count), totals = policy_table.sizes(), rule_usage.totals()
    context = {
        "blocks": policy_table.blocks(),
        "size": size,
        "open_count": open_count,
        "closed_count": size - open_count,
        "rules": [(rule, totals.get(rule.id, rule_usage.Count())) for rule in RULES],
        "features": FEATURES.values(),
    }
    return render(request, "review/policy.html", context)


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def refusals(request: HttpRequest) -> HttpResponse:
    """Return what was refused, newest first, by entry; nobody is named."""
    at = timezone.now()
    found = rule_usage.refusals(before=_before(request), limit=PAGE + 1)
    context = {
        "refusals": found[:PAGE],
        "older": found[PAGE - 1].at if len(found) > PAGE else None,
        "by_feature": rule_usage.refusals_by_feature(since=at - WEEK),
    }
    return render(request, "review/refusals.html", context)


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Return one entry of the ledger, as it stands there."""
    try:
        found = rule_usage.entry(entry_id)
    except rule_usage.Unknown:
        raise Http404 from None
    known = {rule.id: rule for rule in RULES}
    context = {
        "entry": found,
        "is_decision": "purpose" in found.said,
        "said": [(name, value) for name, value in found.said.items() if value not in (None, [])],
        "rule": known.get(found.said.get("rule", "")),
        "keys": [one.key for one in signing_keys.history() if one.until is None],
    }
    return render(request, "review/entry.html", context)


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def proof(_: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Return the proof that the entry stands in the ledger (https://c2sp.org/tlog-proof)."""
    try:
        rule_usage.entry(entry_id)
        [proven] = tile_store.prove([entry_id])
    except (rule_usage.Unknown, NotSequenced):
        raise Http404 from None
    response = HttpResponse(proven.proof, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{entry_id}.tlog-proof"'
    return response


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def evidence(request: HttpRequest) -> HttpResponse:
    """Return the bundles that were made, to fetch."""
    results = test_results.load()
    context = {
        "results": results,
        "claims": [
            (claim, review_labels.list_tests(results.list_tests("claim", claim.id)))
            for claim in claim_register.collect()
        ],
        "bundles": list(EvidenceBundle.objects.defer("document").order_by("-made_at", "-id")),
        "keys": [one.key for one in signing_keys.history() if one.until is None],
    }
    return render(request, "review/evidence.html", context)


@require_POST
@page(Permission.READ_EVIDENCE)
def make(request: HttpRequest) -> HttpResponse:
    """Ask a worker for a new bundle."""
    if enqueue("integrations.make_evidence"):
        messages.success(request, "A bundle is being made. Load this page again in a moment.")
    else:
        messages.error(request, "No worker can be reached now. One is made every day by itself.")
    return redirect("review-evidence")


@never_cache
@require_safe
@page(Permission.READ_EVIDENCE)
def bundle(_: HttpRequest, bundle_id: UUID) -> HttpResponse:
    """Return the exact bytes: they are what is signed."""
    found = EvidenceBundle.objects.filter(id=bundle_id).first()
    if found is None:
        raise Http404
    response = HttpResponse(bytes(found.document), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="evidence-{found.id}.json"'
    return response


def _before(request: HttpRequest) -> datetime | None:
    try:
        found = parse_datetime(request.GET.get("before", ""))
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None
