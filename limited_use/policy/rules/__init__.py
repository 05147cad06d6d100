"""
The rules of the policy, as data: who may use what for which purpose, and who never.

Pure. The order means nothing between permitting and forbidding rules: one that
forbids always wins. Among those that forbid, the first names the clause.
"""

from __future__ import annotations

from .permissions import PERMITTING
from .prohibitions import FORBIDDING
from .rule_types import ANY_REASON, CALENDAR, EVERYONE, EVERYTHING, MAIL, Rule, never

__all__ = [
    "ANY_REASON",
    "CALENDAR",
    "EVERYONE",
    "EVERYTHING",
    "FORBIDDING",
    "MAIL",
    "PERMITTING",
    "RULES",
    "Rule",
    "never",
]

RULES: tuple[Rule, ...] = FORBIDDING + PERMITTING
