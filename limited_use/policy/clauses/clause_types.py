from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from limited_use.policy.policy_vocabulary import Fact


class ClauseConfidence(StrEnum):
    # Read in the document, on the source's date.
    READ = "read"
    # Read in a sibling document of the same publisher.
    SIBLING = "sibling"
    # Quoted by a third party. Never present it as fact.
    SECOND_HAND = "second hand"
    # Our own reading or choice.
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class ClauseSource:
    title: str
    # Empty without a known public address.
    url: str = ""
    as_of: str = ""


@dataclass(frozen=True, slots=True)
class ClauseDuty:
    owner: str
    does: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyClause:
    """
    One sentence that binds this service.

    `facts` and `code` (dotted names) are enforcement beside rules. An enforced clause has a test
    with its id; any other has a duty.
    """

    id: str
    # In our words.
    says: str
    source: ClauseSource
    # A phrase to find it in the source.
    quote: str = ""
    confidence: ClauseConfidence = ClauseConfidence.READ
    facts: tuple[Fact, ...] = ()
    code: tuple[str, ...] = ()
    duty: ClauseDuty | None = None


GOOGLE_DATA = ClauseSource(
    "Google API Services User Data Policy",
    "https://developers.google.com/terms/api-services-user-data-policy",
    "2026-08-22",
)
GOOGLE_WORKSPACE = ClauseSource(
    "Google Workspace API user data and developer policy",
    "https://developers.google.com/workspace/workspace-api-user-data-developer-policy",
    "2026-04-23",
)
GOOGLE_OAUTH = ClauseSource(
    "Google OAuth 2.0 Policies",
    "https://developers.google.com/identity/protocols/oauth2/policies",
    "2026-08-05",
)
GOOGLE_WEB_SERVER = ClauseSource(
    "Google, Using OAuth 2.0 for Web Server Applications",
    "https://developers.google.com/identity/protocols/oauth2/web-server",
    "2026-10",
)
GOOGLE_RESTRICTED = ClauseSource(
    "Google, Restricted scope verification",
    "https://developers.google.com/identity/protocols/oauth2/production-readiness"
    "/restricted-scope-verification",
    "2026-10",
)
GOOGLE_FAQ = ClauseSource(
    "Google, OAuth app verification FAQ",
    "https://support.google.com/cloud/answer/13463817",
    "2026-10",
)
MICROSOFT_APIS = ClauseSource(
    "Microsoft 365 Copilot APIs Terms of Use (sibling of the Microsoft APIs Terms of Use)",
    "https://learn.microsoft.com/en-us/legal/m365-copilot-apis/terms-of-use",
    "2026-10",
)
ANTARES = ClauseSource("Antares User Privacy Notice (Antares Technology LLC)", as_of="2026-10")
US_CODE = ClauseSource("47 U.S.C. § 222")
OWN_READING = ClauseSource("Our own reading of the clauses above")

LEGAL = "Antares, legal"
PRODUCT = "Antares, product owner"
SECURITY = "Antares, security lead"
OPERATOR = "The operator of the service"
