"""Our readings of the clauses, and one law on another kind of data."""

from __future__ import annotations

from .clause_types import LEGAL, OWN_READING, US_CODE, ClauseConfidence, ClauseDuty, PolicyClause

OWN: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="OWN-PAGES",
        says="Pages with provider data load nothing from other sites and are not cached.",
        source=OWN_READING,
        confidence=ClauseConfidence.OURS,
        code=("config.settings.CONTENT_SECURITY_POLICY",),
    ),
    PolicyClause(
        id="OWN-LOGS",
        says="Log lines consist of listed fields, none of which can hold provider data.",
        source=OWN_READING,
        confidence=ClauseConfidence.OURS,
        code=("config.logging.JsonLineFormatter",),
    ),
    PolicyClause(
        id="OWN-CRASH",
        says="Exceptions that leave a sink carry no decrypted data.",
        source=OWN_READING,
        confidence=ClauseConfidence.OURS,
        code=("limited_use.sinks.traceback_guard.guard_plaintext",),
    ),
    PolicyClause(
        id="CPNI-222",
        says=(
            "Records of a customer's calls are a data class of their own. No rule allows their"
            " use for marketing."
        ),
        source=US_CODE,
        confidence=ClauseConfidence.OURS,
        duty=ClauseDuty(
            LEGAL, "Clarifies the duties of the statute for the platform's other channels."
        ),
    ),
)
