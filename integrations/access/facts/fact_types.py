"""Types of facts, and the consents that uses require."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from limited_use.access_request import Fence, FenceKind, PseudonymNaming
from limited_use.ledger.pseudonyms import SERVICE_NAMING
from limited_use.policy.feature_registry import FEATURES, Feature
from limited_use.policy.policy_vocabulary import Fact, Purpose, Recipient


@dataclass(frozen=True, slots=True)
class HolderFacts:
    """Empty if the integration or connection does not exist."""

    epoch: int = 0
    facts: frozenset[Fact] = frozenset()
    fences: tuple[Fence, ...] = ()
    owner_id: UUID | None = None
    connection_id: UUID | None = None
    # Holder of the key that seals the connection's refresh token.
    grant_id: UUID | None = None
    # Integrations only.
    product: str = ""
    status: str = ""
    # The owner's limit for showing the cache, in hours; None: the product's limit.
    cache_hours: int | None = None
    # The owner's horizon for stored mail, in days; None: all mail.
    horizon_days: int | None = None
    # Only from `for_mailboxes`.
    provider: str = ""
    # Naming of its ledger entries.
    names: PseudonymNaming = SERVICE_NAMING

    def keep_membership_fences(self) -> HolderFacts:
        """Return the facts with fences of memberships alone: withdrawn consents do not count."""
        memberships = (fence for fence in self.fences if fence.kind == FenceKind.MEMBERSHIP)
        return replace(self, fences=tuple(memberships))


NO_FACTS = HolderFacts()


@dataclass(frozen=True, slots=True)
class FactsSnapshot:
    """Valid for one actor at one time."""

    actor: Actor
    at: datetime
    by_integration: Mapping[UUID, HolderFacts]

    def is_current(self, actor: Actor, at: datetime) -> bool:
        return (self.actor, self.at) == (actor, at)


@dataclass(frozen=True, slots=True)
class RequiredConsent:
    """The owner's consent to a feature of the service itself."""

    feature_key: str
    purpose: Purpose
    recipient: Recipient = Recipient.OWNER

    @property
    def declared_feature(self) -> Feature:
        return FEATURES[self.feature_key]


INBOX_CONSENT = RequiredConsent("inbox", Purpose.INBOX_DISPLAY)
CALENDAR_CONSENT = RequiredConsent("calendar", Purpose.CALENDAR_SCHEDULE)
#: Independent of the consent to calendars of providers.
LOCAL_CALENDAR_CONSENT = RequiredConsent("local-calendar", Purpose.CALENDAR_SCHEDULE)
EDITING_CONSENT = RequiredConsent("calendar-editing", Purpose.CALENDAR_SCHEDULE)
SENDING_CONSENT = RequiredConsent("mail-sending", Purpose.MAIL_SEND, Recipient.OWN_PROVIDER)
SHARING_CONSENT = RequiredConsent(
    "calendar-sharing", Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER
)
DRIVE_CONSENT = RequiredConsent("drive", Purpose.DRIVE_UPLOAD, Recipient.OWN_PROVIDER)
#: The consent that each product requires, for its copy or its uploads. A local calendar is no copy.
COPY_CONSENTS: Mapping[str, RequiredConsent] = {
    "mail": INBOX_CONSENT,
    "calendar": CALENDAR_CONSENT,
    "drive": DRIVE_CONSENT,
}


def get_calendar_consent(*, is_local: bool) -> RequiredConsent:
    return LOCAL_CALENDAR_CONSENT if is_local else CALENDAR_CONSENT
