from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Sum

from limited_use.models.usage import PolicyUse, Tally
from limited_use.policy import decision_table, feature_registry, policy_evaluation, stored_data
from limited_use.policy.rules import RULES, PolicyRule

# Period listed by day; older uses only count in totals.
LISTED_PERIOD: Final = timedelta(days=30)


def describe_rules(_: datetime) -> Mapping[str, Any]:
    text = decision_table.render_decision_table()
    return {
        "version": policy_evaluation.VERSION,
        "rules": [_describe_rule(rule) for rule in RULES],
        "all_else": {
            "says": policy_evaluation.ALL_ELSE_TEXT,
            "clauses": list(policy_evaluation.ALL_ELSE.clauses),
        },
        "decision_space": text,
        "decision_space_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }


def _describe_rule(rule: PolicyRule) -> dict[str, Any]:
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


def describe_features(_: datetime) -> Mapping[str, Any]:
    return {
        "features": [_describe_feature(feature) for feature in feature_registry.FEATURES.values()]
    }


def _describe_feature(feature: feature_registry.Feature) -> dict[str, Any]:
    return {
        "key": feature.key,
        "title": feature.title,
        "where": feature.where,
        "says": feature.says,
        "purposes": sorted(feature.purposes),
        "data_classes": sorted(feature.data_classes),
        "capabilities": sorted(feature.capabilities),
        "disclosure": feature.disclosure,
        "stored": stored_data.describe_stored_data(feature),
        "retention_days": feature.retention_days,
        "cache_hours": feature.cache_hours,
        "kept_until_removed": feature.kept_until_removed,
        "keeps": feature.keeps,
        "version": feature.version,
        "is_another_service": feature.platform_client,
    }


def describe_rule_usage(at: datetime) -> Mapping[str, Any]:
    total = PolicyUse.objects.values_list("rule", "is_permitted").annotate(total=Sum("count"))
    recent = PolicyUse.objects.filter(day__gt=(at.astimezone(UTC) - LISTED_PERIOD).date())
    by_day = recent.values_list("day", "rule", "feature", "is_permitted").annotate(
        total=Sum("count")
    )
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
