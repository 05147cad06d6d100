"""
Reasons of refusals in plain words. Pure.

A text names the missing facts, except to an uninvolved person, so that a refusal does not reveal
whether the thing exists.
"""

from __future__ import annotations

from collections.abc import Mapping

from .policy_evaluation import RULE_TEXTS, PolicyDecision
from .policy_vocabulary import Fact

MISSING_FACT_TEXTS: Mapping[Fact, str] = {
    Fact.INTEGRATION_LIVE: "It is not connected any more.",
    Fact.CONNECTION_LIVE: "The account is not connected any more.",
    Fact.GRANT_LIVE: "The provider ended the access: reconnect the account in Settings.",
    Fact.GRANT_ENDED: "The provider's access still stands.",
    Fact.ACTOR_OWNS: "Nothing of that name is yours.",
    Fact.DELEGATION_LIVE: "The feature is not switched on, or was switched off.",
    Fact.FEATURE_REGISTERED: "The feature did not declare that it would do this.",
    Fact.CONSENT_CURRENT: "It was not agreed to as it is now: Settings asks its owner again.",
    Fact.PURGE_RUNNING: "Nothing of it is being removed.",
    Fact.KEY_LIVE: "Its key is not there any more.",
    Fact.NOTIFICATION_CHOSEN: "This kind of notification was not chosen.",
    Fact.SHARE_LIVE: "Nothing of that name is shared with you.",
    Fact.CACHE_CURRENT: "The copy is older than it may be: it is asked for again first.",
    Fact.ITEM_CONSENTED: "Its owner has not agreed to show it to you, or not any longer.",
    Fact.EXPORT_ASKED: "Its owner has not asked for this copy, or not confirmed that it is them.",
    Fact.PROVIDER_SAID: "The provider has not said so itself.",
}
# Without one, the actor has no relation to the data.
_GATE_FACTS = frozenset({Fact.ACTOR_OWNS, Fact.SHARE_LIVE, Fact.ITEM_CONSENTED})


def get_disclosed_facts(decision: PolicyDecision) -> frozenset[Fact]:
    return decision.missing & _GATE_FACTS or decision.missing


def explain_refusal(decision: PolicyDecision) -> str:
    rule_text = RULE_TEXTS[decision.rule_id]
    if not decision.missing:
        return rule_text
    disclosed_facts = get_disclosed_facts(decision)
    return " ".join(
        [
            f"What is allowed: {rule_text} What is missing:",
            *(sentence for fact, sentence in MISSING_FACT_TEXTS.items() if fact in disclosed_facts),
        ]
    )
