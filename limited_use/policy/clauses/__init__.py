"""
Every clause that binds this service, by id. Pure data.

A rule names clauses; a clause names other enforcement, or a duty
(`tests/limited_use/test_clauses.py`).
"""

from __future__ import annotations

from collections.abc import Mapping

from limited_use.policy.rules import RULES, PolicyRule

from .clause_types import ClauseConfidence, ClauseDuty, ClauseSource, PolicyClause
from .derived_clauses import OWN
from .limited_use_clauses import LIMITED_USE
from .microsoft_clauses import MICROSOFT
from .oauth_policy_clauses import OAUTH
from .privacy_notice_clauses import NOTICE
from .workspace_clauses import WORKSPACE

__all__ = [
    "CLAUSES",
    "ClauseConfidence",
    "ClauseDuty",
    "ClauseSource",
    "PolicyClause",
    "get_rules",
    "is_enforced",
]

CLAUSES: Mapping[str, PolicyClause] = {
    clause.id: clause for clause in (*LIMITED_USE, *WORKSPACE, *OAUTH, *MICROSOFT, *NOTICE, *OWN)
}


def get_rules(clause_id: str) -> tuple[PolicyRule, ...]:
    return tuple(rule for rule in RULES if clause_id in rule.clauses)


def is_enforced(clause: PolicyClause) -> bool:
    """Return whether software enforces the clause, at least in part."""
    return bool(clause.facts or clause.code or get_rules(clause.id))
