"""A reviewer runs the forbidden uses with canary data, and sees what the ledger recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.functional import Promise
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts import rate_limit_counters, request_limits
from accounts.ids import uuid7
from accounts.rate_limit_counters import Rate
from accounts.role_permissions import require_permission
from accounts.roles import RolePermission
from integrations.coordination.task_queue import enqueue
from integrations.web import retry_pages
from limited_use.evidence import forbidden_use_results
from limited_use.evidence.forbidden_use_results import RunEntry
from limited_use.evidence.forbidden_uses import CaseGroup
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.rules import RULES, PolicyRule

from . import named_ids, review_labels
from .messages import guide
from .named_ids import NamedUse

#: Each run adds hundreds of entries to the ledger for ever.
PERSON_RATE: Final = Rate("forbidden-uses", 3, 3600)
RELOAD_SECONDS: Final = 2.0
SERVICE_RATE: Final = Rate("forbidden-uses-of-all", 24, 24 * 3600)
_BY_ID: Final = {rule.id: rule for rule in RULES}
_GROUPS: Final = {
    CaseGroup.NEVER: (guide.GROUP_NEVER, guide.GROUP_NEVER_SAYS),
    CaseGroup.FEATURE: (guide.GROUP_FEATURE, guide.GROUP_FEATURE_SAYS),
    CaseGroup.CONDITION: (guide.GROUP_CONDITION, guide.GROUP_CONDITION_SAYS),
}


@dataclass(frozen=True, slots=True)
class RunRow:
    """:param missing: the condition that was not met, in words; empty for a forbidden use"""

    entry: RunEntry
    use: NamedUse
    missing: Sequence[str | Promise]


@dataclass(frozen=True, slots=True)
class RunRule:
    """:param rule: None for `all-else`"""

    rule_id: str
    rule: PolicyRule | None
    clauses: Sequence[str]
    rows: Sequence[RunRow]


@dataclass(frozen=True, slots=True)
class RunGroup:
    title: str | Promise
    says: str | Promise
    rules: Sequence[RunRule]
    count: int


@require_POST
@require_permission(RolePermission.READ_EVIDENCE)
def start_run(request: HttpRequest) -> HttpResponse:
    usage = request_limits.count_for_person(request, PERSON_RATE)
    if usage.is_within:
        usage = rate_limit_counters.add_rate_limit_count(SERVICE_RATE, "all", at=timezone.now())
    if not usage.is_within:
        minutes = math.ceil(usage.reset_after / 60)
        messages.error(request, guide.RUN_LIMITED % {"minutes": minutes})
        return redirect("review-refusals")
    run_id = uuid7()
    if not enqueue("integrations.run_forbidden_uses", run_id=run_id):
        messages.error(request, guide.RUN_NO_WORKER)
        return redirect("review-refusals")
    return redirect("review-run", run_id)


@never_cache
@require_safe
@require_permission(RolePermission.READ_EVIDENCE)
def show_run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the run, or that it has not ended yet; then the page reloads itself."""
    summary = forbidden_use_results.get_run_summary(run_id)
    if summary is None:
        if not forbidden_use_results.is_run_recent(run_id, at=timezone.now()):
            raise Http404
        page = render(
            request, "review/run_started.html", {"reloads": retry_pages.will_retry(request)}
        )
        return retry_pages.add_retry(request, page, RELOAD_SECONDS)
    entries = forbidden_use_results.list_run_entries(run_id)
    refused = [entry for entry in entries if entry.is_refused]
    context = {
        "summary": summary,
        "permitted": [
            _make_row(entry) for entry in entries if not entry.is_refused and not entry.is_control
        ],
        "control": [_make_row(entry) for entry in entries if entry.is_control],
        "lost_count": summary.refused_count - len(refused),
        "groups": _group_entries(refused),
        "is_passed": summary.is_passed and len(refused) == summary.asked_count,
    }
    return render(request, "review/run.html", context)


def _group_entries(refused: Sequence[RunEntry]) -> list[RunGroup]:
    groups = []
    for group, (title, says) in _GROUPS.items():
        entries = [entry for entry in refused if _find_group(entry) == group]
        if entries:
            groups.append(RunGroup(title, says, _group_by_rule(entries), len(entries)))
    return groups


def _find_group(entry: RunEntry) -> CaseGroup:
    if entry.missing:
        return CaseGroup.CONDITION
    return CaseGroup.FEATURE if entry.feature in FEATURES else CaseGroup.NEVER


def _group_by_rule(entries: Sequence[RunEntry]) -> list[RunRule]:
    # The rules of this version, then `all-else` and rules of other versions.
    order = {rule_id: index for index, rule_id in enumerate(_BY_ID)}
    by_rule = sorted(
        entries, key=lambda entry: (order.get(entry.rule_id, len(order)), entry.rule_id, entry.id)
    )
    return [
        RunRule(
            rule_id,
            rule := _BY_ID.get(rule_id),
            rule.clauses if rule else policy_evaluation.ALL_ELSE.clauses,
            [_make_row(entry) for entry in group],
        )
        for rule_id, group in groupby(by_rule, key=lambda entry: entry.rule_id)
    ]


def _make_row(entry: RunEntry) -> RunRow:
    return RunRow(
        entry,
        named_ids.name_use(*entry.use),
        [review_labels.describe_fact(fact) for fact in entry.missing],
    )
