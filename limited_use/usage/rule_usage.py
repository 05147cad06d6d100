from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet, Sum

from limited_use.ledger import entry_form
from limited_use.models import Leaf
from limited_use.models.usage import PolicyUse, Refusal


class LedgerEntryNotFound(Exception):
    """The ledger has no such entry."""


@dataclass(frozen=True, slots=True)
class RuleUsageCount:
    permitted: int = 0
    refused: int = 0

    @property
    def all(self) -> int:
        return self.permitted + self.refused


@dataclass(frozen=True, slots=True)
class RuleUsageDay:
    day: date
    count: RuleUsageCount


@dataclass(frozen=True, slots=True)
class LedgerEntryDetails:
    """:param index: None until the sequencer gave it one"""

    id: UUID
    index: int | None
    at: datetime
    event: str
    said: Mapping[str, Any]

    @property
    def is_refusal(self) -> bool:
        return self.event == "use.refused"


def get_rule_usage_totals() -> dict[str, RuleUsageCount]:
    return {
        rule: RuleUsageCount(permitted, refused) for rule, permitted, refused in _sum_counts("rule")
    }


def list_rule_usage_days(
    rules: Iterable[str], *, at: datetime, days: int = 30
) -> list[RuleUsageDay]:
    since = at.astimezone(UTC).date() - timedelta(days=days - 1)
    day_counts = _sum_counts("day", rule__in=list(rules), day__gte=since)
    return [
        RuleUsageDay(day, RuleUsageCount(permitted, refused))
        for day, permitted, refused in day_counts
    ][::-1]


def list_latest_rule_entries(rules: Iterable[str], *, limit: int = 10) -> list[LedgerEntryDetails]:
    rows = PolicyUse.objects.filter(rule__in=list(rules)).order_by("-day", "-id")
    ids: set[UUID] = set()
    for latest_ids in rows.values_list("latest", flat=True)[: 4 * limit]:
        ids.update(latest_ids)
    # Ids sort by time.
    return list_entries(sorted(ids, reverse=True)[:limit])


def list_refusals(*, before: datetime | None = None, limit: int = 50) -> list[Refusal]:
    newest_refusals = Refusal.objects.order_by("-at", "-entry_id")
    if before is not None:
        newest_refusals = newest_refusals.filter(at__lt=before)
    return list(newest_refusals[:limit])


def count_refusals_by_feature(*, since: datetime) -> list[tuple[str, str, int]]:
    refused = PolicyUse.objects.filter(
        is_permitted=False, day__gte=since.astimezone(UTC).date()
    ).exclude(purpose="")
    counted = refused.values_list("feature", "rule").annotate(total=Sum("count"))
    return list(counted.order_by("-total", "feature", "rule"))


def list_entries(ids: Sequence[UUID]) -> list[LedgerEntryDetails]:
    entries_by_id = {leaf.id: _parse_entry(leaf) for leaf in _filter_leaves(ids)}
    return [entries_by_id[entry_id] for entry_id in ids if entry_id in entries_by_id]


def get_ledger_entry_details(entry_id: UUID) -> LedgerEntryDetails:
    """:raises LedgerEntryNotFound:"""
    matches = list_entries([entry_id])
    if not matches:
        raise LedgerEntryNotFound
    return matches[0]


def _filter_leaves(ids: Sequence[UUID]) -> QuerySet[Leaf]:
    return Leaf.objects.filter(id__in=list(ids))


def _parse_entry(leaf: Leaf) -> LedgerEntryDetails:
    body = entry_form.read_entry(leaf.id, bytes(leaf.payload), leaf.fault)
    at = datetime.fromtimestamp(body["at"] / 1000, UTC)
    return LedgerEntryDetails(leaf.id, leaf.idx, at, body["event"], body)


def _sum_counts(column: str, **filters: Any) -> list[tuple[Any, int, int]]:
    rows = PolicyUse.objects.filter(**filters).values_list(column).order_by(column)
    summed = rows.annotate(
        permitted=Sum("count", filter=Q(is_permitted=True), default=0),
        refused=Sum("count", filter=Q(is_permitted=False), default=0),
    )
    return [(key, permitted, refused) for key, permitted, refused in summed]
