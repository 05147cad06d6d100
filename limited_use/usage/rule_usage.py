"""
Uses of each rule: days, counts and the newest entries, from the rows of `usage_counter`.

Reads only. What an entry says is pseudonymous, and stays so here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db.models import Q, QuerySet, Sum

from limited_use.models import Leaf
from limited_use.models.usage import PolicyUse, Refusal


class Unknown(Exception):
    """The ledger has no such entry."""


@dataclass(frozen=True, slots=True)
class Count:
    """How often, and how it ended."""

    permitted: int = 0
    refused: int = 0

    @property
    def all(self) -> int:
        return self.permitted + self.refused


@dataclass(frozen=True, slots=True)
class Day:
    """One day's count."""

    day: date
    count: Count


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One entry of the ledger.

    :param index: its place; None until the sequencer gave it one
    """

    id: UUID
    index: int | None
    at: datetime
    event: str
    said: Mapping[str, Any]

    @property
    def is_refusal(self) -> bool:
        return self.event == "use.refused"


def totals() -> dict[str, Count]:
    """Return how often each rule, and each event, was applied in all."""
    return {rule: Count(permitted, refused) for rule, permitted, refused in _summed("rule")}


def by_day(rules: Iterable[str], *, at: datetime, days: int = 30) -> list[Day]:
    """Return the days of late on which any of `rules` was applied, newest first."""
    since = at.astimezone(UTC).date() - timedelta(days=days - 1)
    found = _summed("day", rule__in=list(rules), day__gte=since)
    return [Day(day, Count(permitted, refused)) for day, permitted, refused in found][::-1]


def latest(rules: Iterable[str], *, limit: int = 10) -> list[Entry]:
    """Return the newest entries in which any of `rules` was applied, newest first."""
    rows = PolicyUse.objects.filter(rule__in=list(rules)).order_by("-day", "-id")
    ids: set[UUID] = set()
    for named in rows.values_list("latest", flat=True)[: 4 * limit]:
        ids.update(named)
    # Ids are made in the order of time.
    return entries(sorted(ids, reverse=True)[:limit])


def refusals(*, before: datetime | None = None, limit: int = 50) -> list[Refusal]:
    """Return refusals, newest first."""
    found = Refusal.objects.order_by("-at", "-entry_id")
    if before is not None:
        found = found.filter(at__lt=before)
    return list(found[:limit])


def refusals_by_feature(*, since: datetime) -> list[tuple[str, str, int]]:
    """Return feature, rule and number of refusals since then, most first."""
    refused = PolicyUse.objects.filter(
        is_permitted=False, day__gte=since.astimezone(UTC).date()
    ).exclude(purpose="")
    counted = refused.values_list("feature", "rule").annotate(total=Sum("count"))
    return list(counted.order_by("-total", "feature", "rule"))


def entries(ids: Sequence[UUID]) -> list[Entry]:
    """Return the entries of `ids`, in that order; those that there are not are left out."""
    found = {
        leaf_id: _read(leaf_id, bytes(payload), idx)
        for leaf_id, payload, idx in _leaves(ids).values_list("id", "payload", "idx")
    }
    return [found[one] for one in ids if one in found]


def entry(entry_id: UUID) -> Entry:
    """
    Return one entry.

    :raises Unknown: if there is none
    """
    found = entries([entry_id])
    if not found:
        raise Unknown
    return found[0]


def _leaves(ids: Sequence[UUID]) -> QuerySet[Leaf]:
    return Leaf.objects.filter(id__in=list(ids))


def _read(leaf_id: UUID, payload: bytes, index: int | None) -> Entry:
    said = orjson.loads(payload)
    at = datetime.fromtimestamp(said["at"] / 1000, UTC)
    return Entry(leaf_id, index, at, said["event"], said)


def _summed(column: str, **narrowed: Any) -> list[tuple[Any, int, int]]:
    rows = PolicyUse.objects.filter(**narrowed).values_list(column).order_by(column)
    summed = rows.annotate(
        permitted=Sum("count", filter=Q(is_permitted=True), default=0),
        refused=Sum("count", filter=Q(is_permitted=False), default=0),
    )
    return [(key, permitted, refused) for key, permitted, refused in summed]
