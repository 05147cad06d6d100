"""
The registry of platform features.

Scopes, disclosure, retention and a client's purposes are computed from these entries only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from . import policy_evaluation
from .claims import claim
from .policy_vocabulary import DataClass, Purpose, Recipient
from .text_marking import gettext_noop as _

#: A temporary copy of any feature is younger than a week.
MAX_CACHE_HOURS: Final = 7 * 24


class UndeclaredUse(Exception):
    """The feature is unknown or does not declare the use, or the policy never allows it."""


class Keeps(StrEnum):
    """What another service of the platform keeps of the data that it receives."""

    NOTHING = "nothing"
    # Copies, which it deletes when it is told to: see `integrations.purge.feature_removals`.
    UNTIL_PURGE = "until purge"


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
    # Asked for when the person first uses it, and not on connecting: nothing else depends on it.
    asked_in_context: bool = False
    # Raised when purposes, data classes or texts change: users are asked again.
    version: int
    # Another service of the platform, with its own client.
    platform_client: bool
    # Declared by each such service that uses data: without it, its uses are refused.
    keeps: Keeps | None = None

    def __post_init__(self) -> None:
        if self.cache_hours is not None and not 0 < self.cache_hours <= MAX_CACHE_HOURS:
            raise ValueError(f"{self.key} caches for longer than a week")
        if (
            self.platform_client
            and Purpose.DRIVE_UPLOAD in self.purposes
            and self.data_classes != {DataClass.FILE_CONTENT}
        ):
            # A feature that also reads mail or events could put them into its files.
            raise ValueError(f"{self.key} saves files, so that it may read no provider data")

    @property
    def lacks_keeps(self) -> bool:
        """Whether the feature uses data outside this service and does not say what it keeps."""
        return self.platform_client and bool(self.purposes) and self.keeps is None

    def declares_use(self, purpose: str, data_class: DataClass | None = None) -> bool:
        return purpose in self.purposes and (data_class is None or data_class in self.data_classes)


CALENDAR: Final = frozenset({DataClass.CALENDAR_EVENT, DataClass.CALENDAR_FREEBUSY})

FEATURES: dict[str, Feature] = {
    feature.key: feature
    for feature in (
        Feature(
            key="inbox",
            title=_("Unified inbox"),
            where=_("Inbox"),
            says=claim(
                "feature.inbox-only-you",
                _("Shows the mail of all your accounts in one inbox, to you alone."),
            ),
            purposes=frozenset({Purpose.INBOX_DISPLAY}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset({"mail.read"}),
            disclosure=claim(
                "feature.inbox",
                _(
                    "Antares reads your mail (senders, recipients, subjects, text, labels and"
                    " attachment names; attachments when you open them) to show it to you in your"
                    " inbox, and for nothing else. Your address tells you which account is"
                    " connected."
                ),
            ),
            retention_days=90,
            version=3,
            platform_client=False,
        ),
        Feature(
            key="mail-sending",
            title=_("Send mail"),
            where=_("Inbox, when you write, reply or forward"),
            says=claim(
                "feature.sending",
                _("Sends a message from your mailbox when you press Send, and never by itself."),
            ),
            purposes=frozenset({Purpose.MAIL_SEND}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset({"mail.send"}),
            disclosure=claim(
                "feature.sending-disclosure",
                _(
                    "When you press Send, Antares stores the message as a draft in your mailbox"
                    " and asks your provider to send it, once. Only you send: no feature of Antares"
                    " can, and Antares never sends marketing from your account. Until a message is"
                    " sent, Antares keeps its text and files, encrypted."
                ),
            ),
            retention_days=None,
            asked_in_context=True,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="calendar",
            title=_("Calendar"),
            where=_("Calendar"),
            says=claim(
                "feature.calendar-only-you", _("Shows your calendars in one view, to you alone.")
            ),
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=CALENDAR,
            capabilities=frozenset({"calendar.read"}),
            disclosure=claim(
                "feature.calendar",
                _(
                    "Antares reads your calendars and their events (titles, times, places, guests,"
                    " notes) to show them to you, and for nothing else. The copy is temporary: it"
                    " reaches from 30 days back to 180 days ahead, is never shown when it is older"
                    " than a day, and you can delete it at any time."
                ),
            ),
            retention_days=None,
            cache_hours=24,
            version=3,
            platform_client=False,
        ),
        Feature(
            key="local-calendar",
            title=_("Antares calendars"),
            where=_("Calendar; you create them in Settings"),
            says=claim(
                "feature.local-calendar",
                _("Stores calendars that you create in Antares and that no provider has."),
            ),
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=CALENDAR,
            capabilities=frozenset(),
            disclosure=claim(
                "feature.local-calendar-disclosure",
                _(
                    "Antares stores the events (titles, times, places, guests, notes) that you"
                    " write in an Antares calendar or import from a file, to show them to you, and"
                    " for nothing else. They are stored only in Antares. Disconnecting an account"
                    " or withdrawing your agreement to another feature does not remove them. They"
                    " are removed when you remove the calendar, when you leave the organisation or"
                    " it closes, when your access to Antares is ended, or after a year without"
                    " signing in. Until then you can download each calendar as a file (.ics)."
                ),
            ),
            retention_days=None,
            kept_until_removed=True,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="calendar-editing",
            title=_("Edit events"),
            where=_("Calendar, when you create, change, answer or delete an event"),
            says=_("Saves your changes in your calendar when you ask for it."),
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE, Purpose.CALENDAR_INVITE}),
            data_classes=frozenset({DataClass.CALENDAR_EVENT}),
            capabilities=frozenset({"calendar.write"}),
            disclosure=claim(
                "feature.editing",
                _(
                    "Antares creates, changes, moves or deletes an event in your calendar when you"
                    " do so in Antares, answers an invitation when you answer it in Antares, and"
                    " checks before that whether you are still free. When you add attendees, your"
                    " provider invites them. Antares changes nothing and invites nobody by itself,"
                    " and keeps no further copy."
                ),
            ),
            retention_days=None,
            version=3,
            platform_client=False,
        ),
        Feature(
            key="calendar-sharing",
            title=_("Shared calendars"),
            where=_("Calendar, when you share one with a colleague"),
            says=_("Shows a calendar to a colleague whom you choose, until you stop sharing."),
            purposes=frozenset({Purpose.CALENDAR_SHARE}),
            data_classes=CALENDAR,
            capabilities=frozenset(),
            disclosure=claim(
                "feature.sharing",
                _(
                    "A colleague whom you name, a registered user of your organisation, sees when"
                    " you are busy, or the events too, as you choose. Private events show as busy"
                    " only. The colleague gets no copy. Sharing ends when you stop it, at the end"
                    " that you set, or when you disconnect the calendar."
                ),
            ),
            retention_days=None,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="scheduler",
            title=_("Scheduler"),
            where=_("The scheduling assistant, once you switch it on"),
            says=_("Shows you your own calendars while you arrange a call or a meeting."),
            purposes=frozenset({Purpose.CALENDAR_SCHEDULE}),
            data_classes=CALENDAR,
            capabilities=frozenset({"calendar.read"}),
            disclosure=claim(
                "feature.scheduler",
                _(
                    "The scheduling assistant shows you calendars that Antares shows you already."
                    " It keeps nothing, and stops the moment you switch it off."
                ),
            ),
            retention_days=None,
            version=1,
            platform_client=True,
            keeps=Keeps.NOTHING,
        ),
        Feature(
            key="inbox-widget",
            title=_("Inbox widget"),
            where=_("The side panel of calls and chats, once you switch it on"),
            says=_("Shows you your own latest mail while you talk to somebody."),
            purposes=frozenset({Purpose.INBOX_DISPLAY}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset({"mail.read"}),
            disclosure=claim(
                "feature.widget",
                _(
                    "The side panel shows you mail that your inbox already holds. It keeps nothing,"
                    " and stops the moment you switch it off."
                ),
            ),
            retention_days=None,
            version=1,
            platform_client=True,
            keeps=Keeps.NOTHING,
        ),
        Feature(
            key="reply-assistant",
            title=_("Reply suggestions"),
            where=_("Inbox, above a message, once you switch it on"),
            says=claim(
                "feature.reply-assistant",
                _("Proposes a draft to you. Only you can send it."),
            ),
            purposes=frozenset({Purpose.DRAFT_PROPOSE}),
            data_classes=frozenset({DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT}),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.reply-assistant-disclosure",
                _(
                    "Reply suggestions can place a draft in your inbox, to people with whom you"
                    " have corresponded. It reads no mail for this and can send nothing. Antares"
                    " deletes a draft 14 days after it was proposed, opened or not. Reply"
                    " suggestions stop the moment you switch them off."
                ),
            ),
            retention_days=None,
            version=2,
            platform_client=True,
            keeps=Keeps.NOTHING,
        ),
        Feature(
            key="drive",
            title=_("Files in Drive"),
            where=_("Files, and next to an attachment, a calendar or an export"),
            says=claim(
                "feature.drive",
                _("Puts a file into your Drive when you choose it, and never by itself."),
            ),
            purposes=frozenset({Purpose.DRIVE_UPLOAD}),
            data_classes=frozenset(
                {
                    DataClass.FILE_CONTENT,
                    DataClass.MAIL_METADATA,
                    DataClass.MAIL_CONTENT,
                    *CALENDAR,
                }
            ),
            capabilities=frozenset({"drive.upload"}),
            disclosure=claim(
                "feature.drive-disclosure",
                _(
                    "When you choose a file, an attachment, a calendar or an export of your mail,"
                    " Antares passes it on to your Drive and keeps no copy. Antares sees only files"
                    " that it put there and folders that you choose, and shares none of them. It"
                    " keeps the names and types of your uploads, encrypted, and their sizes, times"
                    " and states, not encrypted, until you remove them from the list or disconnect"
                    " the Drive. The files stay in your Drive."
                ),
            ),
            retention_days=None,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="recordings",
            title=_("Recordings in Drive"),
            where=_("Files, once you switch it on"),
            says=claim(
                "feature.recordings",
                _("Proposes to save recordings of your calls in your Drive."),
            ),
            purposes=frozenset({Purpose.DRIVE_UPLOAD}),
            data_classes=frozenset({DataClass.FILE_CONTENT}),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.recordings-disclosure",
                _(
                    "This feature can propose files that Antares made, such as recordings and"
                    " transcripts of your calls. A file goes into your Drive only when you accept"
                    " it, or within a standing consent that you give: one folder, kinds and sizes"
                    " of files, a number of files and an end. It sees what became of its own"
                    " proposals, and nothing else in your Drive. It stops the moment you switch it"
                    " off."
                ),
            ),
            retention_days=None,
            version=1,
            platform_client=True,
            keeps=Keeps.NOTHING,
        ),
        Feature(
            key="support",
            title=_("Support access"),
            where=_("A message or an event, when you ask support about it"),
            says=_(
                "Shows support one message or event that you choose, until the end that you set."
            ),
            purposes=frozenset({Purpose.SUPPORT_ITEM}),
            data_classes=frozenset(
                {
                    DataClass.MAIL_METADATA,
                    DataClass.MAIL_CONTENT,
                    DataClass.CALENDAR_EVENT,
                    DataClass.CALENDAR_FREEBUSY,
                }
            ),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.support",
                _(
                    "An Antares support agent can read this one message (sender, recipients,"
                    " subject and text) or event (title, times, place, description, guests and"
                    " status) to help you with it. They can read nothing else, and nothing after"
                    " the end that you set or once you stop the access. Activity lists each time"
                    " that they read it."
                ),
            ),
            retention_days=None,
            version=3,
            platform_client=False,
        ),
        Feature(
            key="export",
            title=_("Export"),
            where=_("Settings, in the details of an account"),
            says=_("Gives you a file with the mail that Antares stores for you."),
            purposes=frozenset({Purpose.USER_EXPORT}),
            data_classes=frozenset(
                {DataClass.MAIL_METADATA, DataClass.MAIL_CONTENT, DataClass.PROFILE}
            ),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.export",
                _(
                    "When you ask for an export and confirm your identity, you get a file with the"
                    " mail that Antares stores for you and the address of its account. Only you get"
                    " it."
                ),
            ),
            retention_days=None,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="calendar-export",
            title=_("Calendar files"),
            where=_("Settings, on the page of an Antares calendar"),
            says=_("Gives you an Antares calendar as a file."),
            purposes=frozenset({Purpose.USER_EXPORT}),
            data_classes=CALENDAR,
            capabilities=frozenset(),
            disclosure=claim(
                "feature.calendar-export",
                _(
                    "When you ask for it, you get a file (.ics) with the events of an Antares"
                    " calendar. Only you get it: there is no address at which others could fetch"
                    " it."
                ),
            ),
            retention_days=None,
            version=2,
            platform_client=False,
        ),
        Feature(
            key="file-list-export",
            title=_("List of your uploads"),
            where=_("Files, below the list"),
            says=_("Gives you the list of your uploads as a file."),
            purposes=frozenset({Purpose.USER_EXPORT}),
            data_classes=frozenset({DataClass.FILE_CONTENT}),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.file-list-export",
                _(
                    "When you ask for it, you get a file (.csv) with the names, sizes, states,"
                    " times and addresses of the files in your list. It has none of their bytes."
                    " Only you get it."
                ),
            ),
            retention_days=None,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="mailbox-notices",
            title=_("Notices in your mailbox"),
            where=_("Notices, when you choose a mailbox for a kind of notices"),
            says=claim(
                "feature.mailbox-notices",
                _("Sends the kinds of notices that you choose from your mailbox to itself."),
            ),
            purposes=frozenset({Purpose.NOTIFY_OWNER}),
            data_classes=frozenset({DataClass.PROFILE}),
            capabilities=frozenset({"mail.send"}),
            disclosure=claim(
                "feature.mailbox-notices-disclosure",
                _(
                    "Antares sends the kinds of notices that you choose from your mailbox to its"
                    " own address, in fixed words of Antares, and to nobody else. No feature adds"
                    " text to them. It stops when you choose another place, withdraw this"
                    " agreement or disconnect the mailbox."
                ),
            ),
            retention_days=None,
            asked_in_context=True,
            version=1,
            platform_client=False,
        ),
        Feature(
            key="campaigns",
            title=_("Campaigns"),
            where=_("Campaigns"),
            says=claim("feature.campaigns-nothing", _("Uses no mail, calendar or file of yours.")),
            purposes=frozenset(),
            data_classes=frozenset(),
            capabilities=frozenset(),
            disclosure=claim(
                "feature.campaigns",
                _("Campaigns are written without any data of your connected accounts."),
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
    if not feature.asked_in_context:
        del declared["asked_in_context"]
    if feature.keeps is not Keeps.UNTIL_PURGE:
        del declared["keeps"]
    text = json.dumps(declared, sort_keys=True, default=sorted)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_feature_use_registered(
    feature: str | None, *, purpose: str, data_class: DataClass | None, client: bool
) -> bool:
    registered_feature = FEATURES.get(feature) if feature is not None else None
    return (
        registered_feature is not None
        and registered_feature.platform_client is client
        and not registered_feature.lacks_keeps
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
    if registered_feature.lacks_keeps:
        raise UndeclaredUse(f"{feature} does not declare what it keeps")
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
