"""Our readings of the clauses, and one law on another kind of data."""

from __future__ import annotations

from .clause_types import LEGAL, OWN_READING, US_CODE, ClauseConfidence, ClauseDuty, PolicyClause

OWN: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="OWN-PAGES",
        says="Pages with provider data load nothing from elsewhere, and no cache keeps them.",
        source=OWN_READING,
        confidence=ClauseConfidence.OURS,
        code=("config.settings.CONTENT_SECURITY_POLICY",),
    ),
    PolicyClause(
        id="OWN-LOGS",
        says="A log line is made of fields on a list, none of which can hold provider data.",
        source=OWN_READING,
        confidence=ClauseConfidence.OURS,
        code=("config.logging.JsonLineFormatter",),
    ),
    PolicyClause(
        id="OWN-CRASH",
        says="An exception that leaves a sink carries nothing of what was open.",
        source=OWN_READING,
        confidence=ClauseConfidence.OURS,
        code=("limited_use.sinks.traceback_guard.guard_plaintext",),
    ),
    PolicyClause(
        id="CPNI-222",
        says="Records of whom a customer called, and when, are of a class of their own that"
        " serves no marketing, and no rule opens.",
        source=US_CODE,
        confidence=ClauseConfidence.OURS,
        duty=ClauseDuty(LEGAL, "Says what the statute asks of the platform's other channels."),
    ),
)
