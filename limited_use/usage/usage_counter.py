"""
Count how often each rule was applied, from the ledger's entries, in their order, each once.

Events that are no decisions (a key destroyed, a purge completed) are counted by
their name: it has a dot in it, and no rule's id has.

How far it came moves with what it counted, in one transaction: a crash repeats
nothing and skips nothing, and any number of processes may run it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

import orjson
from django.db import connection, transaction

from limited_use.models import Leaf
from limited_use.models.usage import Refusal, Tally

from . import access_rates

BATCH: Final = 2000
# Entries that are kept by id beside a count.
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


class Applied(NamedTuple):
    """One rule, applied to one kind of use for one feature on one day; or one kind of event."""

    rule: str
    day: date
    is_permitted: bool
    feature: str
    data_class: str
    purpose: str
    recipient: str


@dataclass
class _Counted:
    count: int = 0
    latest: list[UUID] = field(default_factory=list)


def run(*, at: datetime) -> int:
    """Count what the sequencer has placed since the last run; return how many entries that was."""
    Tally.objects.get_or_create(id=1)
    total = 0
    while counted := _batch():
        total += counted
    Refusal.objects.filter(at__lt=at - REFUSALS_KEPT_FOR).delete()
    return total


@transaction.atomic(durable=True)
def _batch() -> int:
    tally = Tally.objects.select_for_update(no_key=True, skip_locked=True).filter(id=1).first()
    if tally is None:
        # Another process is at it.
        return 0
    placed = Leaf.objects.filter(idx__gte=tally.size).order_by("idx")
    leaves = [bytes(one) for one in placed.values_list("payload", flat=True)[:BATCH]]
    if not leaves:
        return 0
    entries = [orjson.loads(leaf) for leaf in leaves]
    _write(entries)
    access_rates.count(entries)
    tally.size += len(leaves)
    tally.save(update_fields=["size"])
    return len(leaves)


def _write(entries: Iterable[Mapping[str, Any]]) -> None:
    counted: dict[Applied, _Counted] = defaultdict(_Counted)
    refusals: list[Refusal] = []
    for entry in entries:
        at = datetime.fromtimestamp(entry["at"] / 1000, UTC)
        applied, entry_id = _applied(entry, at), UUID(entry["id"])
        found = counted[applied]
        found.count += 1
        found.latest = [entry_id, *found.latest][:LATEST]
        if not applied.is_permitted:
            refusals.append(_refusal(applied, entry_id, at))
    if counted:
        with connection.cursor() as cursor:
            cursor.executemany(
                _ADD, [(*key, one.count, one.latest) for key, one in counted.items()]
            )
    Refusal.objects.bulk_create(refusals, ignore_conflicts=True)


def _applied(entry: Mapping[str, Any], at: datetime) -> Applied:
    if entry["event"] not in _DECISIONS:
        return Applied(
            rule=entry["event"],
            day=at.date(),
            is_permitted=True,
            feature="",
            data_class="",
            purpose="",
            recipient="",
        )
    return Applied(
        rule=entry["rule"],
        day=at.date(),
        is_permitted=_DECISIONS[entry["event"]],
        feature=entry.get("feature") or "",
        data_class=entry["class"],
        purpose=entry["purpose"],
        recipient=entry["recipient"],
    )


def _refusal(applied: Applied, entry_id: UUID, at: datetime) -> Refusal:
    return Refusal(
        entry_id=entry_id,
        at=at,
        rule=applied.rule,
        feature=applied.feature,
        data_class=applied.data_class,
        purpose=applied.purpose,
        recipient=applied.recipient,
    )
