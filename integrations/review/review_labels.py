"""Labels of the reviewer's pages: facts in words, tests as sentences."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import Promise

from limited_use.policy.policy_vocabulary import Fact

from .messages import labels


def describe_fact(fact: str) -> str | Promise:
    return labels.FACTS[Fact(fact)]


def list_tests(outcomes: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (sentence, file, outcome)."""
    return [(*describe_test(name), outcome) for name, outcome in outcomes.items()]


def describe_test(name: str) -> tuple[str, str]:
    """Return (sentence, file)."""
    path, *parts = name.split("::")
    words = [part.removeprefix("Test").removeprefix("test_").replace("_", " ") for part in parts]
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in words[0]).strip()
    return " ".join([spaced, *words[1:]]), path
