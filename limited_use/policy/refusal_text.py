"""
Reasons of refusals in plain words. Pure.

A text names the missing facts, except to an uninvolved person, so that a refusal does not reveal
whether the thing exists.
"""

from __future__ import annotations

from collections.abc import Mapping

from .policy_evaluation import RULE_TEXTS, PolicyDecision
from .policy_vocabulary import Fact, Recipient, Use

MISSING_FACT_TEXTS: Mapping[Fact, str] = {
    Fact.INTEGRATION_LIVE: "The mailbox or calendar is no longer connected.",
    Fact.CONNECTION_LIVE: "The account is no longer connected.",
    Fact.GRANT_LIVE: "The provider ended the access. Reconnect the account in Settings.",
    Fact.GRANT_ENDED: "The provider has not ended the access.",
    Fact.ACTOR_OWNS: "Nothing with this id is yours.",
    Fact.DELEGATION_LIVE: "The feature is not switched on.",
    Fact.FEATURE_REGISTERED: "The feature does not declare this use.",
    Fact.CONSENT_CURRENT: "The owner of the data has not agreed to the current text in Settings.",
    Fact.PURGE_RUNNING: "No removal is running.",
    Fact.KEY_LIVE: "The encryption key does not exist.",
    Fact.NOTIFICATION_CHOSEN: "The owner has not chosen this kind of notification.",
    Fact.SHARE_LIVE: "Nothing with this id is shared with you.",
    Fact.CACHE_CURRENT: "The copy is too old to be shown. Antares fetches it again first.",
    Fact.ITEM_CONSENTED: "The owner of the data does not let you read it.",
    Fact.AGENT_IS_SUPPORT: "You are not a support agent.",
    Fact.LOOKUPS_WITHIN_BOUND: "You looked up too many people in the last hour.",
    Fact.EXPORT_ASKED: "The owner has not asked for this export, or not confirmed their identity.",
    Fact.PROVIDER_SAID: "The provider has not reported it.",
    Fact.SEND_ORDERED: "Its owner has not sent this message, or has taken it back.",
    Fact.RECIPIENTS_WITHIN_BOUND: "There are too many recipients.",
    Fact.HOUR_WITHIN_BOUND: "Too many messages were sent in the last hour.",
    Fact.DAY_WITHIN_BOUND: "Too many messages were sent in the last day.",
    Fact.RECIPIENTS_KNOWN: "The owner has not corresponded with each recipient.",
    Fact.TEMPLATE_WITHIN_BOUND: "Too many people got the same proposal today.",
    Fact.UPLOAD_ORDERED: "Its owner has not chosen this file for their Drive, or has stopped it.",
    Fact.CROSSING_ORDERED: "Its owner has not agreed that this file goes to another account.",
    Fact.STANDING_CONSENT_COVERS: "No standing consent of the owner covers this file.",
}
# Without one, the actor has no relation to the data.
_GATE_FACTS = frozenset({Fact.ACTOR_OWNS, Fact.SHARE_LIVE, Fact.ITEM_CONSENTED})


def get_disclosed_facts(decision: PolicyDecision) -> frozenset[Fact]:
    return decision.missing & _GATE_FACTS or decision.missing


def is_own_agreement_missing(decision: PolicyDecision, use: Use) -> bool:
    """Return whether the refused person can agree: not if the data is somebody else's."""
    disclosed_facts = get_disclosed_facts(decision)
    return use.recipient == Recipient.OWNER and Fact.CONSENT_CURRENT in disclosed_facts


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
