"""Deletion for a reviewer: deadlines, what the ledger recorded, and what is late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.utils.functional import Promise

from limited_use.evidence import clause_evidence
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.usage import rule_usage
from limited_use.usage.rule_usage import RuleUsageCount

from . import latest_evidence, named_ids
from .evidence import deletion_deadlines
from .latest_evidence import LatestEvidence
from .messages import guide
from .named_ids import EntryRow

#: Events of removal, in the order in which they happen.
EVENTS: Final = (
    *clause_evidence.EVENTS["WDEL"],
    *clause_evidence.EVENTS["TOK-REVOKE"],
    *clause_evidence.EVENTS["WSEC-KEY"],
)


@dataclass(frozen=True, slots=True)
class Deadline:
    """:param within: such as `within 1 hour`"""

    title: str | Promise
    within: str


@dataclass(frozen=True, slots=True)
class LedgerEventCount:
    event: str
    title: str | Promise
    count: int


@dataclass(frozen=True, slots=True)
class DeletionPage:
    """
    :param evidence: the newest signed evidence, or None
    :param late_count: removals that were late when it was made
    :param residue_count: rows left of purged products when it was made
    """

    deadlines: Sequence[Deadline]
    grace: timedelta
    features: Sequence[Feature]
    events: Sequence[LedgerEventCount]
    entries: Sequence[EntryRow]
    evidence: LatestEvidence | None
    late_count: int
    residue_count: int
    purges: Mapping[str, int]


def build_deletion_page() -> DeletionPage:
    totals = rule_usage.get_rule_usage_totals()
    evidence = latest_evidence.read_latest_evidence("retention")
    retention: Mapping[str, Any] = evidence.sections["retention"] if evidence else {}
    return DeletionPage(
        deadlines=list_deadlines(),
        grace=timedelta(days=settings.REAUTH_GRACE_DAYS),
        features=[feature for feature in FEATURES.values() if feature.purposes],
        events=[
            LedgerEventCount(
                event,
                guide.EVENT_TITLES.get(event, event),
                totals.get(event, RuleUsageCount()).all,
            )
            for event in EVENTS
        ],
        entries=[
            named_ids.make_entry_row(entry)
            for entry in rule_usage.list_latest_rule_entries(["purge.completed"], limit=5)
        ],
        evidence=evidence,
        late_count=sum(retention.get("late", {}).values()),
        residue_count=sum(retention.get("left_of_what_is_purged", {}).values()),
        purges=retention.get("purges", {}),
    )


def list_deadlines() -> list[Deadline]:
    deadlines = deletion_deadlines.get_deadlines()
    return [
        Deadline(title, guide.format_within(within))
        for title, within in (
            (guide.DEADLINE_UNREADABLE, deadlines.unreadable),
            (guide.DEADLINE_ROWS, deadlines.rows),
            (guide.DEADLINE_EPOCH, deadlines.key_epoch),
            (guide.DEADLINE_BACKUPS, deadlines.backups),
        )
    ]
