"""What is found of integrations and connections, and the agreements that count as consent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.actors import Actor
from limited_use.access_request import Fence, Naming
from limited_use.ledger.pseudonyms import SERVICE
from limited_use.policy.features import FEATURES, Feature
from limited_use.policy.vocabulary import Fact, Purpose, Recipient


@dataclass(frozen=True, slots=True)
class Found:
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
    names: Naming = SERVICE


NOTHING = Found()


@dataclass(frozen=True, slots=True)
class FoundFor:
    """What was found of some integrations for one question: nobody else's, and no later one."""

    actor: Actor
    at: datetime
    of: Mapping[UUID, Found]

    def answers(self, actor: Actor, at: datetime) -> bool:
        """Return whether it was found for this very question."""
        return (self.actor, self.at) == (actor, at)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Which agreement of the owner's a use rests on: to a feature of the service itself."""

    key: str
    purpose: Purpose
    recipient: Recipient = Recipient.OWNER

    @property
    def feature(self) -> Feature:
        """The feature as it is declared now."""
        return FEATURES[self.key]


OF_INBOX = Agreement("inbox", Purpose.INBOX_DISPLAY)
OF_CALENDAR = Agreement("calendar", Purpose.CALENDAR_SCHEDULE)
#: Calendars that are stored only in Antares: they do not depend on what a provider's rest on.
OF_LOCAL_CALENDAR = Agreement("local-calendar", Purpose.CALENDAR_SCHEDULE)
OF_EDITING = Agreement("calendar-editing", Purpose.CALENDAR_SCHEDULE)
OF_SHARING = Agreement("calendar-sharing", Purpose.CALENDAR_SHARE, Recipient.REGISTERED_USER)
#: What a copy of each product is kept by. Calendars stored only in Antares are no copy.
KEPT_BY: Mapping[str, Agreement] = {"mail": OF_INBOX, "calendar": OF_CALENDAR}


def get_calendar_agreement(*, is_local: bool) -> Agreement:
    """Return the agreement that showing and writing an own calendar rests on."""
    return OF_LOCAL_CALENDAR if is_local else OF_CALENDAR
