"""Labels of the reviewer's pages: facts, sources of knowledge, tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from limited_use.policy.clauses import ClauseConfidence
from limited_use.policy.policy_vocabulary import Fact

FACTS: Final[Mapping[Fact, str]] = {
    Fact.INTEGRATION_LIVE: "the integration is switched on, and no purge of it has begun",
    Fact.CONNECTION_LIVE: "the connection is neither ending nor ended",
    Fact.GRANT_LIVE: "the provider has not said that its grant is gone",
    Fact.GRANT_ENDED: "the provider said that its grant is gone",
    Fact.ACTOR_OWNS: "the person who acts owns the connection, in that organisation",
    Fact.DELEGATION_LIVE: "the person switched this feature on, and has not switched it off",
    Fact.FEATURE_REGISTERED: "the feature is registered, and declares this purpose and data",
    Fact.CONSENT_CURRENT: "the owner agreed to the feature as it is declared now",
    Fact.PURGE_RUNNING: "a purge of it is under way",
    Fact.KEY_LIVE: "its data key exists",
    Fact.NOTIFICATION_CHOSEN: "the owner chose this kind of notification in that mailbox",
    Fact.SHARE_LIVE: "a share of the owner's names this person, and stands",
    Fact.CACHE_CURRENT: "its copy is younger than it may be, or it lives here",
    Fact.ITEM_CONSENTED: "the owner agreed that support reads this very item, until an end",
    Fact.EXPORT_ASKED: "the owner asked for this export, and confirmed that it is them",
    Fact.PROVIDER_SAID: "the provider named it itself, and is proven to have",
}

KNOWN_BY: Final[Mapping[ClauseConfidence, str]] = {
    ClauseConfidence.READ: "read in the document itself",
    ClauseConfidence.SIBLING: "read in a sibling of the document, by the same publisher",
    ClauseConfidence.SECOND_HAND: "quoted by somebody else; not to be told as fact",
    ClauseConfidence.OURS: "our own reading",
}


def describe_fact(fact: str) -> str:
    return FACTS[Fact(fact)]


def list_tests(outcomes: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (sentence, file, outcome)."""
    return [(*describe_test(name), outcome) for name, outcome in outcomes.items()]


def describe_test(name: str) -> tuple[str, str]:
    """Return (sentence, file)."""
    path, *parts = name.split("::")
    words = [part.removeprefix("Test").removeprefix("test_").replace("_", " ") for part in parts]
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in words[0]).strip()
    return " ".join([spaced, *words[1:]]), path
