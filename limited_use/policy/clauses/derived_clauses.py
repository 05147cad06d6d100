"""Our readings of the clauses, and one law on another kind of data."""

from __future__ import annotations

from .clause_types import LEGAL, OWN_READING, US_CODE, Clause, Confidence, Duty

OWN: tuple[Clause, ...] = (
    Clause(
        id="OWN-PAGES",
        says="Pages with provider data load nothing from elsewhere, and no cache keeps them.",
        source=OWN_READING,
        confidence=Confidence.OURS,
        code=("config.settings.CONTENT_SECURITY_POLICY",),
    ),
    Clause(
        id="OWN-LOGS",
        says="A log line is made of fields on a list, none of which can hold provider data.",
        source=OWN_READING,
        confidence=Confidence.OURS,
        code=("config.logging.JsonLineFormatter",),
    ),
    Clause(
        id="OWN-CRASH",
        says="An exception that leaves a sink carries nothing of what was open.",
        source=OWN_READING,
        confidence=Confidence.OURS,
        code=("limited_use.sinks.traceback_guard.guard_plaintext",),
    ),
    Clause(
        id="CPNI-222",
        says="Records of whom a customer called, and when, are of a class of their own that"
        " serves no marketing, and no rule opens.",
        source=US_CODE,
        confidence=Confidence.OURS,
        duty=Duty(LEGAL, "Says what the statute asks of the platform's other channels."),
    ),
)
