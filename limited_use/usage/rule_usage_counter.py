"""
Counts how often each rule was applied, from the ledger's entries.

An event that is no decision counts by its name, which has a dot, unlike any rule's id. Decisions
about canary data of a reviewer's run are no uses, and do not count. Position and counts move in one
transaction, so crashes and concurrent runs count nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from limited_use.access_request import CANARY_ID
from limited_use.ledger import entry_form
from limited_use.ledger.entries import get_ledger_pseudonym
from limited_use.models import Leaf
from limited_use.models.usage import Refusal, Tally

from . import access_rates

BATCH: Final = 2000
# Newest entry ids stored beside a count.
LATEST: Final = 5
REFUSALS_KEPT_FOR: Final = timedelta(days=30)
_DECISIONS: Final = {"use.permitted": True, "use.refused": False}
_ADD = """
INSERT INTO limited_use_policyuse
  (rule, day, is_permitted, feature, data_class, purpose, recipient, count, latest)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s::uuid[])
ON CONFLICT (rule, day, is_permitted, feature, data_class, purpose, recipient) DO UPDATE
SET count = limited_use_policyuse.count + EXCLUDED.count,
    latest = (EXCLUDED.latest || limited_use_policyuse.latest)[1:5]
"""


class AppliedPolicyRule(NamedTuple):
    rule: str
    day: date
    is_permitted: bool
    feature: str
    data_class: str
    purpose: str
    recipient: str


@dataclass
class _RuleCount:
    count: int = 0
    latest: list[UUID] = field(default_factory=list)


def count_applied_rules(*, at: datetime) -> int:
    """Count the entries placed since the last run; return how many."""
    Tally.objects.get_or_create(id=1)
    total = 0
    while batch_size := _count_batch():
        total += batch_size
    Refusal.objects.filter(at__lt=at - REFUSALS_KEPT_FOR).delete()
    return total


@transaction.atomic(durable=True)
def _count_batch() -> int:
    tally = Tally.objects.select_for_update(no_key=True, skip_locked=True).filter(id=1).first()
    if tally is None:
        # Another process is counting.
        return 0
    placed = Leaf.objects.filter(idx__gte=tally.size).order_by("idx")
    leaves = list(placed.values_list("id", "payload")[:BATCH])
    if not leaves:
        return 0
    canary = get_ledger_pseudonym(CANARY_ID)
    read = [entry_form.read_entry(leaf_id, bytes(payload)) for leaf_id, payload in leaves]
    entries = [entry for entry in read if entry.get("subject") != canary]
    _write_counts(entries)
    access_rates.count_data_openings(entries)
    tally.size += len(leaves)
    tally.save(update_fields=["size"])
    return len(leaves)


def _write_counts(entries: Iterable[Mapping[str, Any]]) -> None:
    counts: dict[AppliedPolicyRule, _RuleCount] = defaultdict(_RuleCount)
    refusals: list[Refusal] = []
    for entry in entries:
        at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
        applied, entry_id = _get_applied_rule(entry, at), UUID(entry["id"])
        rule_count = counts[applied]
        rule_count.count += 1
        rule_count.latest = [entry_id, *rule_count.latest][:LATEST]
        if not applied.is_permitted:
            refusals.append(_make_refusal(applied, entry_id, at))
    if counts:
        with connection.cursor() as cursor:
            cursor.executemany(
                _ADD,
                [(*key, rule_count.count, rule_count.latest) for key, rule_count in counts.items()],
            )
    Refusal.objects.bulk_create(refusals, ignore_conflicts=True)


def _get_applied_rule(entry: Mapping[str, Any], at: datetime) -> AppliedPolicyRule:
    if entry["event"] not in _DECISIONS:
        return AppliedPolicyRule(
            rule=entry["event"],
            day=at.date(),
            is_permitted=True,
            feature="",
            data_class="",
            purpose="",
            recipient="",
        )
    return AppliedPolicyRule(
        rule=entry["rule"],
        day=at.date(),
        is_permitted=_DECISIONS[entry["event"]],
        feature=entry.get("feature") or "",
        data_class=entry["class"],
        purpose=entry["purpose"],
        recipient=entry["recipient"],
    )


def _make_refusal(applied: AppliedPolicyRule, entry_id: UUID, at: datetime) -> Refusal:
    return Refusal(
        entry_id=entry_id,
        at=at,
        rule=applied.rule,
        feature=applied.feature,
        data_class=applied.data_class,
        purpose=applied.purpose,
        recipient=applied.recipient,
    )
