"""
The registry of platform features.

Scopes, disclosure, retention and a client's purposes are computed from these entries only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from . import policy_evaluation
from .claims import claim
from .policy_vocabulary import DataClass, Purpose, Recipient

#: A temporary copy of any feature is younger than a week.
MAX_CACHE_HOURS: Final = 7 * 24


class UndeclaredUse(Exception):
    """The feature is unknown or does not declare the use, or the policy never allows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    key: str
    title: str
    # Place in the user interface.
    where: str
    # What it does with the data, in a sentence.
    says: str
    purposes: frozenset[Purpose]
    data_classes: frozenset[DataClass]
    # Provider capabilities; a provider maps each to scopes.
    capabilities: frozenset[str]
    # Shown immediately before consent.
    disclosure: str
    # Retention of fetched data in days; None: nothing is stored.
    retention_days: int | None
    # Hours for which a copy may be shown after the last sync; None: no copy. Older copies are
    # hidden and removed.
    cache_hours: int | None = None
    # The owner's own data, stored only in this service and kept until it is removed on its page.
    # Withdrawing the consent without removing the data is not possible.
    kept_until_removed: bool = False
    # Raised when purposes, data classes or texts change: users are asked again.
    version: int
    # Another service of the platform, with its own client.
    platform_client: bool

    def __post_init__(self) -> None:
        if self.cache_hours is not None and not 0 < self.cache_hours <= MAX_CACHE_HOURS:
            raise ValueError(f"{self.key} caches for longer than a week")

    def declares_use(self, purpose: str, data_class: DataClass | None = None) -> bool:
        return purpose in self.purposes and (data_class is None or data_class in self.data_classes)


CALENDAR: Final = frozenset({DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY})

FEATURES: dict[str, Feature] = {
    feature.key: feature
    for feature in (
        Feature(
            key="inbox",
            title="Unified inbox",
            where="Inbox, next to your calls, texts and chats",
            says=claim(
                "feature.inbox-only-you",
                "Shows your mail next to your other channels, to you alone.",
            ),
            purposes=frozenset({Purpose.INBOX_DISPLAY}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset({"mail.read"}),
            disclosure=claim(
                "feature.inbox",
                "Antares reads your mail (senders, recipients, subjects, text, labels and"
                " attachment names; attachments when you open them) to show it to you in your"
                " inbox, and for nothing else. Your address tells you which account is connected.",
            ),
            retention_days=90,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="calendar",
            title="Calendar",
            where="Calendar, beside your calls, texts and chats",
            says=claim(
                "feature.calendar-only-you", "Shows your calendars in one view, to you alone."
            ),
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=CALENDAR,
            capabilities=frozenset({"calendar.read"}),
            disclosure=claim(
                "feature.calendar",
                "Antares reads your calendars and their events (titles, times, places, guests,"
                " notes) to show them to you, and for nothing else. The copy is temporary: it"
                " reaches from 30 days back to 180 days ahead, is never shown when it is older"
                " than a day, and you can delete it at any time.",
            ),
            retention_days=None,
            cache_hours=24,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="local-calendar",
            title="Antares calendars",
            where="Calendar, and Settings, where you create one",
            says=claim(
                "feature.local-calendar",
                "Keeps calendars that you write in Antares and that exist at no provider.",
            ),
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=CALENDAR,
            capabilities=frozenset(),
            disclosure=claim(
                "feature.local-calendar-disclosure",
                "Antares keeps the events (titles, times, places, guests, notes) that you write in"
                " an Antares calendar or import from a file, to show them to you, and for nothing"
                " else. They are stored only in Antares. Disconnecting an account or withdrawing"
                " your agreement to another feature does not remove them. They are removed when"
                " you remove the calendar, when you leave the organisation or it closes, when your"
                " access to Antares is ended, or after a year without signing in. Until then you"
                " can download each calendar as a file (.ics).",
            ),
            retention_days=None,
            kept_until_removed=True,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="calendar-editing",
            title="Writing events",
            where="Calendar, when you write, change, answer or delete an event",
            says="Writes to your calendar what you write here, when you say so.",
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=frozenset({DataClass.CALENDAR_EVENT}),
            capabilities=frozenset({"calendar.write"}),
            disclosure=claim(
                "feature.editing",
                "Antares creates, changes, moves or deletes an event in your calendar when you do"
                " so here, answers an invitation when you answer it here, and looks first whether"
                " you are still free then. It changes nothing by itself. It keeps nothing more.",
            ),
            retention_days=None,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="calendar-sharing",
            title="Shared calendars",
            where="Calendar, when you share one with a colleague",
            says="Shows a calendar to a colleague whom you choose, until you take it back.",
            purposes=frozenset({Purpose.CALENDAR_SHARE}),
            data_classes=CALENDAR,
            capabilities=frozenset(),
            disclosure=claim(
                "feature.sharing",
                "A registered user of your organisation whom you name sees when you are busy, or"
                " the events too, as you choose. Private events only ever show as busy. It is"
                " looked up each time, is never copied, and ends when you take it back, at the end"
                " that you set, or when you disconnect the calendar.",
            ),
            retention_days=None,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="scheduler",
            title="Scheduler",
            where="The scheduling assistant, once you switch it on",
            says="Shows you your own calendars while you arrange a call or a meeting.",
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=CALENDAR,
            capabilities=frozenset({"calendar.read"}),
            disclosure=claim(
                "feature.scheduler",
                "The scheduling assistant shows you calendars that Antares shows you already. It"
                " keeps nothing, and stops the moment you switch it off.",
            ),
            retention_days=None,
            version=1,
            platform_client=True,
        ),
        Feature(
            key="inbox-widget",
            title="Inbox widget",
            where="The side panel of calls and chats, once you switch it on",
            says="Shows you your own latest mail while you talk to somebody.",
            purposes=frozenset({Purpose.INBOX_DISPLAY}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset({"mail.read"}),
            disclosure=claim(
                "feature.widget",
                "The side panel shows you mail that your inbox already holds. It keeps nothing,"
                " and stops the moment you switch it off.",
            ),
            retention_days=None,
            version=1,
            platform_client=True,
        ),
        Feature(
            key="support",
            title="Help with a mail",
            where="A mail in your inbox, when you ask support about it",
            says="Shows support one mail that you choose, until the end that you set.",
            purposes=frozenset({Purpose.SUPPORT_ITEM}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.support",
                "A person of Antares support reads this one mail (sender, recipients, subject and"
                " text) to help you with it. They read nothing else, and nothing after the end"
                " that you set or once you take it back; you see each time they read it.",
            ),
            retention_days=None,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="export",
            title="Your copy",
            where="Settings, your data",
            says="Gives you a copy of your mail that is kept here.",
            purposes=frozenset({Purpose.USER_EXPORT}),
            data_classes=frozenset(
                {DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT, DataClass.PROFILE}
            ),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.export",
                "When you ask for it and confirm that it is you, you get a file with the mail that"
                " is kept here and the address of the account that it came from. Only you get it.",
            ),
            retention_days=None,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="calendar-export",
            title="Calendar files",
            where="Settings, a calendar that lives here",
            says="Gives you a calendar that lives here as a file.",
            purposes=frozenset({Purpose.USER_EXPORT}),
            data_classes=CALENDAR,
            capabilities=frozenset(),
            disclosure=claim(
                "feature.calendar-export",
                "When you ask for it, you get a file (.ics) with the events of a calendar that"
                " lives here. Only you get it: there is no address at which others could fetch it.",
            ),
            retention_days=None,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="campaigns",
            title="Campaigns",
            where="Campaigns",
            says=claim("feature.campaigns-nothing", "Uses no mail, calendar or file of yours."),
            purposes=frozenset(),
            data_classes=frozenset(),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.campaigns",
                "Campaigns are written without any data of your connected accounts.",
            ),
            retention_days=None,
            version=1,
            platform_client=True,
        ),
    )
}


def compute_feature_digest(feature: Feature) -> str:
    """
    Return a digest of all that users agree to: words, data, time.

    It omits the version, which has to rise when the digest changes (tested).
    """
    declared = asdict(feature)
    del declared["version"]
    if feature.cache_hours is None:
        # Part of the digest only for features with such a copy.
        del declared["cache_hours"]
    if not feature.kept_until_removed:
        del declared["kept_until_removed"]
    text = json.dumps(declared, sort_keys=True, default=sorted)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_feature_use_registered(
    feature: str | None, *, purpose: str, data_class: DataClass | None, client: bool
) -> bool:
    registered_feature = FEATURES.get(feature) if feature is not None else None
    return (
        registered_feature is not None
        and registered_feature.platform_client is client
        and registered_feature.declares_use(purpose, data_class)
    )


def does_feature_declare_use(purpose: str, data_class: DataClass) -> bool:
    for feature in FEATURES.values():
        if not feature.platform_client and feature.declares_use(purpose, data_class):
            return True
    return False


def check_feature_purposes(feature: str, purposes: Iterable[str]) -> Feature:
    """
    Return the platform feature, if a client of it may hold tokens for all of `purposes`.

    :raises UndeclaredUse: also if `feature` is no platform feature
    """
    registered_feature = FEATURES.get(feature)
    if registered_feature is None or not registered_feature.platform_client:
        raise UndeclaredUse(f"{feature!r} is not a registered platform feature")
    never_allowed = sorted(
        p
        for p in registered_feature.purposes
        if not policy_evaluation.can_use_be_allowed(p, Recipient.PLATFORM_FEATURE)
    )
    if never_allowed:
        raise UndeclaredUse(
            f"the policy never allows {', '.join(never_allowed)} to a platform feature"
        )
    undeclared = sorted(set(purposes) - registered_feature.purposes)
    if undeclared:
        raise UndeclaredUse(f"{feature} does not declare {', '.join(undeclared)}")
    return registered_feature
