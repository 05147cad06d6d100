"""Every clause, with what enforces it: rules, facts and code, or whose duty it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from limited_use.policy import clauses
from limited_use.policy.clauses import Clause
from limited_use.policy.rules import RULES, Rule


def by_facts(clause: Clause) -> tuple[Rule, ...]:
    """Return the rules that permit only where what the clause asks for was found."""
    named = clauses.rules_of(clause.id)
    return tuple(rule for rule in RULES if rule not in named and rule.needs & set(clause.facts))


def applying(clause: Clause) -> tuple[str, ...]:
    """Return the ids of every rule, and the names of every event, that apply the clause."""
    rules = (*clauses.rules_of(clause.id), *by_facts(clause))
    return (*(rule.id for rule in rules), *EVENTS.get(clause.id, ()))


_PURGED = ("integration.disconnected", "key.destroyed", "integration.emptied", "purge.completed")
_REVOKED = ("revocation.settled",)
_AGREED = ("connection.connected", "integration.connected")
# Where a clause is kept by what is done rather than decided: which entries say that it was.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "WDEL": _PURGED,
    "CASA-DEL": _PURGED,
    "MS-DEL": _PURGED,
    "TOK-REVOKE": _REVOKED,
    "TOK-DELETE": ("key.destroyed", "purge.completed"),
    "WSEC-KEY": ("key_epoch.destroyed",),
    "LU-2.1": ("consent.withdrawn", "consent.replaced"),
    "SCOPE-GRANT": _AGREED,
    "AN-1": _AGREED,
    "AN-2": ("integration.disconnected",),
    "AN-9": _PURGED,
    "AN-14": ("integration.disconnected",),
    "AN-15": _PURGED,
    "AN-21": _PURGED,
}


def catalogue(_: datetime) -> Mapping[str, Any]:
    return {"clauses": list(_all())}


def _all() -> Iterator[dict[str, Any]]:
    for one in clauses.CLAUSES.values():
        yield {
            "id": one.id,
            "says": one.says,
            "quote": one.quote,
            "known_by": str(one.confidence),
            "source": {
                "title": one.source.title,
                "url": one.source.url,
                "as_of": one.source.as_of,
            },
            "rules": [rule.id for rule in clauses.rules_of(one.id)],
            "facts": [str(fact) for fact in one.facts],
            "rules_by_fact": [rule.id for rule in by_facts(one)],
            "events": list(EVENTS.get(one.id, ())),
            "code": list(one.code),
            "duty": {"of": one.duty.owner, "does": one.duty.does} if one.duty else None,
            "enforced_by_software": clauses.is_enforced(one),
        }
