from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from limited_use.policy import clauses
from limited_use.policy.clauses import PolicyClause
from limited_use.policy.rules import RULES, PolicyRule


def get_fact_rules(clause: PolicyClause) -> tuple[PolicyRule, ...]:
    named_rules = clauses.get_rules(clause.id)
    return tuple(
        rule for rule in RULES if rule not in named_rules and rule.needs & set(clause.facts)
    )


def list_rules_applying_clause(clause: PolicyClause) -> tuple[str, ...]:
    rules = (*clauses.get_rules(clause.id), *get_fact_rules(clause))
    return (*(rule.id for rule in rules), *EVENTS.get(clause.id, ()))


_PURGE_EVENTS = (
    "integration.disconnected",
    "key.destroyed",
    "integration.emptied",
    "purge.completed",
)
_REVOCATION_EVENTS = ("revocation.settled",)
_CONSENT_EVENTS = ("connection.connected", "integration.connected")
# Clauses kept by actions rather than decisions: the ledger events that prove them.
EVENTS: Mapping[str, tuple[str, ...]] = {
    "WDEL": _PURGE_EVENTS,
    "CASA-DEL": _PURGE_EVENTS,
    "MS-DEL": _PURGE_EVENTS,
    "TOK-REVOKE": _REVOCATION_EVENTS,
    "TOK-DELETE": ("key.destroyed", "purge.completed"),
    "WSEC-KEY": ("key_epoch.destroyed",),
    "LU-2.1": ("consent.withdrawn", "consent.replaced"),
    "SCOPE-GRANT": _CONSENT_EVENTS,
    "AN-1": _CONSENT_EVENTS,
    "AN-2": ("integration.disconnected",),
    "AN-9": _PURGE_EVENTS,
    "AN-14": ("integration.disconnected",),
    "AN-15": _PURGE_EVENTS,
    "AN-21": _PURGE_EVENTS,
}


def describe_clauses(_: datetime) -> Mapping[str, Any]:
    return {"clauses": list(_describe_each())}


def _describe_each() -> Iterator[dict[str, Any]]:
    for clause in clauses.CLAUSES.values():
        yield {
            "id": clause.id,
            "says": clause.says,
            "quote": clause.quote,
            "known_by": str(clause.confidence),
            "source": {
                "title": clause.source.title,
                "url": clause.source.url,
                "as_of": clause.source.as_of,
            },
            "rules": [rule.id for rule in clauses.get_rules(clause.id)],
            "facts": [str(fact) for fact in clause.facts],
            "rules_by_fact": [rule.id for rule in get_fact_rules(clause)],
            "events": list(EVENTS.get(clause.id, ())),
            "code": list(clause.code),
            "duty": {"of": clause.duty.owner, "does": clause.duty.does} if clause.duty else None,
            "enforced_by_software": clauses.is_enforced(clause),
        }
