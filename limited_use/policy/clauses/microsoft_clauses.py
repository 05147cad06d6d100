"""
Microsoft's terms, read in those of a sibling API.

The rules of every provider also hold for Microsoft's data.
"""

from __future__ import annotations

from limited_use.policy.policy_vocabulary import Fact

from .clause_types import MICROSOFT_APIS, SECURITY, ClauseConfidence, ClauseDuty, PolicyClause

MICROSOFT: tuple[PolicyClause, ...] = (
    PolicyClause(
        id="MS-MIN",
        says="Data is used only as the user expressly permitted.",
        source=MICROSOFT_APIS,
        quote="outside any permissions expressly granted by your customers",
        confidence=ClauseConfidence.SIBLING,
        facts=(Fact.GRANT_LIVE,),
        code=("integrations.access.scopes.get_usable_capabilities",),
    ),
    PolicyClause(
        id="MS-ADS",
        says="No data, including derived data, is used for advertising or marketing.",
        source=MICROSOFT_APIS,
        quote="for advertising or marketing purposes",
        confidence=ClauseConfidence.SIBLING,
    ),
    PolicyClause(
        id="MS-COPY",
        says="Data is copied only as far as the intended use needs it.",
        source=MICROSOFT_APIS,
        quote="except as necessary to enable an intended usage scenario",
        confidence=ClauseConfidence.SIBLING,
    ),
    PolicyClause(
        id="MS-DEL",
        says="All data is deleted when a user leaves, disconnects or closes the account.",
        source=MICROSOFT_APIS,
        quote="implement proper retention and deletion policies, including deleting all data",
        confidence=ClauseConfidence.SIBLING,
        code=("integrations.purge.open_purge_job",),
    ),
    PolicyClause(
        id="MS-REVLINK",
        says="Users are shown where to remove the access at Microsoft.",
        source=MICROSOFT_APIS,
        confidence=ClauseConfidence.SIBLING,
        code=("integrations.urls.public_pages.messages.REVOKE_PAGES",),
    ),
    PolicyClause(
        id="MS-INC",
        says="Microsoft is notified of security incidents.",
        source=MICROSOFT_APIS,
        quote="promptly contact the Microsoft Security Response Center",
        confidence=ClauseConfidence.SIBLING,
        duty=ClauseDuty(SECURITY, "Writes to secure@microsoft.com at the first suspicion."),
    ),
)
