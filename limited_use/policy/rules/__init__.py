"""
The rules of the policy, as data. Pure.

A forbidding rule always beats a permitting one. The first forbidding rule names the clause. A
limit forbids what a permitting rule allows, unless its facts are found.
"""

from __future__ import annotations

from .permissions import PERMISSION_RULES
from .policy_rule_types import (
    ANY_REASON,
    CALENDAR,
    EVERYONE,
    EVERYTHING,
    MAIL,
    PolicyRule,
    forbid_use,
)
from .prohibitions import PROHIBITION_RULES
from .sending_rules import SENDING_LIMITS

__all__ = [
    "ANY_REASON",
    "CALENDAR",
    "EVERYONE",
    "EVERYTHING",
    "MAIL",
    "PERMISSION_RULES",
    "PROHIBITION_RULES",
    "RULES",
    "SENDING_LIMITS",
    "PolicyRule",
    "forbid_use",
]

RULES: tuple[PolicyRule, ...] = PROHIBITION_RULES + SENDING_LIMITS + PERMISSION_RULES
