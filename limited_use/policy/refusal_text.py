"""
Reasons of refusals in plain words. Pure.

A text names the missing facts, except to an uninvolved person, so that a refusal does not reveal
whether the thing exists. To a service client, it names the purpose that the data needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from . import policy_evaluation
from .policy_evaluation import ALL_ELSE, RULE_TEXTS, PolicyDecision
from .policy_vocabulary import DataClass, Fact, Purpose, Recipient, Use

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
_FOR_OWNER_ALONE: Final = "The person does this, and no feature can."
_UNKNOWN_PURPOSE: Final = "This token is for no purpose that Antares knows."


def get_disclosed_facts(decision: PolicyDecision) -> frozenset[Fact]:
    return decision.missing & _GATE_FACTS or decision.missing


def is_own_agreement_missing(decision: PolicyDecision, use: Use) -> bool:
    """Return whether the refused person can agree: not if the data is somebody else's."""
    disclosed_facts = get_disclosed_facts(decision)
    return use.recipient == Recipient.OWNER and Fact.CONSENT_CURRENT in disclosed_facts


def explain_refusal(decision: PolicyDecision, use: Use, *, token_purpose: str | None = None) -> str:
    """:param token_purpose: None: the actor is no client"""
    if use.recipient == Recipient.PLATFORM_FEATURE or token_purpose is not None:
        purpose = use.purpose if token_purpose is None else token_purpose
        if purpose_text := _explain_purpose(decision, use, purpose):
            return purpose_text
    rule_text = RULE_TEXTS[decision.rule_id]
    if not decision.missing:
        return rule_text
    disclosed_facts = get_disclosed_facts(decision)
    texts = dict(MISSING_FACT_TEXTS)
    if token_purpose is not None and policy_evaluation.is_for_owner_alone(use):
        texts[Fact.ACTOR_OWNS] = _FOR_OWNER_ALONE
    return " ".join(
        [
            f"What is allowed: {rule_text} What is missing:",
            *(sentence for fact, sentence in texts.items() if fact in disclosed_facts),
        ]
    )


def _explain_purpose(decision: PolicyDecision, use: Use, token_purpose: str) -> str:
    """Return an empty text if another purpose would not help, or the rule says more."""
    if token_purpose != use.purpose and decision.missing:
        return _compare_purposes(token_purpose, use.data_class, use.purpose)
    if policy_evaluation.is_use_ever_allowed(use):
        return ""
    rule_text = "" if decision == ALL_ELSE else RULE_TEXTS[decision.rule_id]
    if policy_evaluation.can_use_be_allowed(use.purpose, Recipient.PLATFORM_FEATURE):
        sentence = _name_needed_purposes(token_purpose, use.data_class)
        return f"{rule_text} {sentence}".lstrip()
    if rule_text:
        return rule_text
    if use.purpose not in frozenset(Purpose):
        return _UNKNOWN_PURPOSE
    return f"No feature receives {use.data_class} for {use.purpose}."


def _compare_purposes(token_purpose: str, data_class: DataClass, purpose: Purpose) -> str:
    if purpose in policy_evaluation.list_reading_purposes(data_class):
        return _name_needed_purposes(token_purpose, data_class)
    return f"{_name_token(token_purpose)}; this request needs {purpose}."


def _name_needed_purposes(token_purpose: str, data_class: DataClass) -> str:
    needed_purposes = " or ".join(policy_evaluation.list_reading_purposes(data_class))
    if not needed_purposes:
        return f"{_name_token(token_purpose)}; no feature receives {data_class}."
    return f"{_name_token(token_purpose)}; {data_class} needs {needed_purposes}."


def _name_token(purpose: str) -> str:
    is_known = purpose in frozenset(Purpose)
    return f"This token is for {purpose}" if is_known else _UNKNOWN_PURPOSE.rstrip(".")
