"""What the policy says: rules, the whole decision space, features, and how often it was applied."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Sum

from limited_use.models.usage import PolicyUse, Tally
from limited_use.policy import decision_table, evaluation, features
from limited_use.policy.rules import RULES, Rule

# Days of which each is listed; before that, totals.
LISTED_FOR: Final = timedelta(days=30)


def rules(_: datetime) -> Mapping[str, Any]:
    text = decision_table.render()
    return {
        "version": evaluation.VERSION,
        "rules": [_rule(one) for one in RULES],
        "all_else": {
            "says": evaluation.ALL_ELSE_SAYS,
            "clauses": list(evaluation.ALL_ELSE.clauses),
        },
        "decision_space": text,
        "decision_space_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "says": rule.says,
        "clauses": list(rule.clauses),
        "permits": rule.allow,
        "purposes": sorted(rule.purposes),
        "recipients": sorted(rule.recipients),
        "data_classes": sorted(rule.data_classes),
        "needs": sorted(rule.needs),
    }


def registry(_: datetime) -> Mapping[str, Any]:
    return {"features": [_feature(one) for one in features.FEATURES.values()]}


def _feature(entry: features.Feature) -> dict[str, Any]:
    return {
        "key": entry.key,
        "title": entry.title,
        "where": entry.where,
        "says": entry.says,
        "purposes": sorted(entry.purposes),
        "data_classes": sorted(entry.data_classes),
        "capabilities": sorted(entry.capabilities),
        "disclosure": entry.disclosure,
        "retention_days": entry.retention_days,
        "cache_hours": entry.cache_hours,
        "kept_until_removed": entry.kept_until_removed,
        "version": entry.version,
        "is_another_service": entry.platform_client,
    }


def applied(at: datetime) -> Mapping[str, Any]:
    """Return how often each rule was applied: in all, and by day of late."""
    total = PolicyUse.objects.values_list("rule", "is_permitted").annotate(total=Sum("count"))
    late = PolicyUse.objects.filter(day__gt=(at.astimezone(UTC) - LISTED_FOR).date())
    by_day = late.values_list("day", "rule", "feature", "is_permitted").annotate(total=Sum("count"))
    return {
        "entries_counted": Tally.objects.values_list("size", flat=True).first() or 0,
        "in_all": [
            {"rule": rule, "permitted": permitted, "count": count}
            for rule, permitted, count in total.order_by("rule", "is_permitted")
        ],
        "by_day": [
            {"day": f"{day}", "rule": rule, "feature": feature, "permitted": permitted, "count": n}
            for day, rule, feature, permitted, n in by_day.order_by(
                "day", "rule", "feature", "is_permitted"
            )
        ],
    }
