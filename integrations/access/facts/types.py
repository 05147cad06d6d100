"""What is found of integrations and connections, and the agreements that count as consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from limited_use.access_request import Fence, PseudonymNaming
from limited_use.ledger.pseudonyms import SERVICE_NAMING
from limited_use.policy.features import FEATURES, Feature
from limited_use.policy.vocabulary import Fact, Purpose, Recipient


@dataclass(frozen=True, slots=True)
class HolderFacts:
    """What was found of one holder. Nothing at all, if it does not exist."""

    epoch: int = 0
    facts: frozenset[Fact] = frozenset()
    fences: tuple[Fence, ...] = ()
    owner_id: UUID | None = None
    connection_id: UUID | None = None
    # Whose key seals the connection's refresh token.
    grant_id: UUID | None = None
    # Of an integration: which of the account's it is, and how it stands.
    product: str = ""
    status: str = ""
    # The most hours for which its owner wants a copy shown; None: as long as its product allows.
    cache_hours: int | None = None
    # How many days of mail its owner wants to be stored; None: all.
    horizon_days: int | None = None
    # Of one of a person's mailboxes (`of_mailboxes`) alone.
    provider: str = ""
    # What the ledger calls it.
    names: PseudonymNaming = SERVICE_NAMING


NO_FACTS = HolderFacts()


@dataclass(frozen=True, slots=True)
class FactsSnapshot:
    """What was found of some integrations for one question: nobody else's, and no later one."""

    actor: Actor
    at: datetime
    by_integration: Mapping[UUID, HolderFacts]

    def is_current(self, actor: Actor, at: datetime) -> bool:
        """Return whether it was found for this very question."""
        return (self.actor, self.at) == (actor, at)


@dataclass(frozen=True, slots=True)
class RequiredConsent:
    """Which agreement of the owner's a use rests on: to a feature of the service itself."""

    feature_key: str
    purpose: Purpose
    recipient: Recipient = Recipient.OWNER

    @property
    def declared_feature(self) -> Feature:
        """The feature as it is declared now."""
        return FEATURES[self.feature_key]


INBOX_CONSENT = RequiredConsent("inbox", Purpose.INBOX_DISPLAY)
CALENDAR_CONSENT = RequiredConsent("calendar", Purpose.CALENDAR_SCHEDULE)
#: Calendars that are stored only in Antares: they do not depend on what a provider's rest on.
LOCAL_CALENDAR_CONSENT = RequiredConsent("local-calendar", Purpose.CALENDAR_SCHEDULE)
EDITING_CONSENT = RequiredConsent("calendar-editing", Purpose.CALENDAR_SCHEDULE)
SHARING_CONSENT = RequiredConsent(
    "calendar-sharing", Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER
)
#: What a copy of each product is kept by. Calendars stored only in Antares are no copy.
COPY_CONSENTS: Mapping[str, RequiredConsent] = {"mail": INBOX_CONSENT, "calendar": CALENDAR_CONSENT}


def get_calendar_consent(*, is_local: bool) -> RequiredConsent:
    """Return the agreement that showing and writing an own calendar rests on."""
    return LOCAL_CALENDAR_CONSENT if is_local else CALENDAR_CONSENT
