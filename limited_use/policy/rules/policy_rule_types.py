from __future__ import annotations

from dataclasses import dataclass

from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient

EVERYTHING = frozenset(DataClass)
EVERYONE = frozenset(Recipient)
ANY_REASON = frozenset(Purpose)
MAIL = frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT})
CALENDAR = frozenset({DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY})


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """
    One line of the policy. `says` is for users, `clauses` for reviewers.

    A forbidding rule with `unless` is a limit: it refuses uses that another rule permits, unless
    these facts are found.
    """

    id: str
    says: str
    clauses: tuple[str, ...]
    purposes: frozenset[Purpose] = ANY_REASON
    recipients: frozenset[Recipient] = EVERYONE
    data_classes: frozenset[DataClass] = EVERYTHING
    needs: frozenset[Fact] = frozenset()
    unless: frozenset[Fact] = frozenset()
    allow: bool = False

    @property
    def is_limit(self) -> bool:
        return bool(self.unless)


def forbid_use(rule_id: str, says: str, *clauses: str, **covers: frozenset[object]) -> PolicyRule:
    return PolicyRule(id=rule_id, says=says, clauses=clauses, **covers)  # type: ignore[arg-type]
