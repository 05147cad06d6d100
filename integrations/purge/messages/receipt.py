"""
The sentences by which pages, and `verify.html`, explain a receipt to people.

They are chosen by the fields of the signed document (`receipt_summary`), whose own sentences are
English, because the signature covers them. Each key of `SENTENCES` is the id of a claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from integrations.notifications.support_reasons import REASON
from limited_use.policy.claims import claim
from limited_use.policy.feature_registry import FEATURES

# A lazy translation behaves as a text.
Text = str | Promise

SENTENCES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "receipt.removed-mail": claim(
            "receipt.removed-mail",
            _("Antares removed its copy of your %(name)s: %(messages)s in %(threads)s."),
        ),
        "receipt.removed-calendar": claim(
            "receipt.removed-calendar",
            _("Antares removed its copy of your %(name)s: %(calendars)s with %(events)s."),
        ),
        "receipt.removed-drive": claim(
            "receipt.removed-drive",
            _("Antares removed its list of your uploads to %(name)s: %(uploads)s."),
        ),
        "receipt.removed-local": claim(
            "receipt.removed-local",
            _("Antares removed your %(name)s: %(calendars)s with %(events)s."),
        ),
        "receipt.unreadable-since": claim(
            "receipt.unreadable-since",
            _(
                "Antares destroyed the keys to this data on %(unreadable_at)s and could not read it"
                " after that. All of it was deleted by %(verified_at)s."
            ),
        ),
        "receipt.access-ended": claim(
            "receipt.access-ended",
            _(
                "%(provider)s confirmed that Antares no longer has access to the account: there is"
                " nothing for you to end."
            ),
        ),
        "receipt.access-was-ended": claim(
            "receipt.access-was-ended",
            _(
                "%(provider)s answered that Antares no longer has access to the account: there is"
                " nothing for you to end."
            ),
        ),
        "receipt.access-unconfirmed": claim(
            "receipt.access-unconfirmed",
            _(
                "%(provider)s did not confirm that the access of Antares has ended: check whether"
                " %(provider)s still lists Antares, and remove it, at %(pages)s."
            ),
        ),
        "receipt.access-not-offered": claim(
            "receipt.access-not-offered",
            _(
                "%(provider)s does not end access when an app asks for it: it lists Antares until"
                " you remove it at %(pages)s."
            ),
        ),
        "receipt.access-needed": claim(
            "receipt.access-needed",
            _(
                "Antares kept its access to the account at %(provider)s, because %(reasons)s: you"
                " can end it at %(pages)s."
            ),
        ),
        "receipt.access-left": claim(
            "receipt.access-left",
            _(
                "Antares destroyed its access tokens but did not ask %(provider)s to end its"
                " access, because another organisation had connected the same account: you can end"
                " it for both at %(pages)s."
            ),
        ),
        "receipt.no-provider": claim(
            "receipt.no-provider",
            _("No provider was involved: these calendars were stored only in Antares."),
        ),
        "receipt.remains-until": claim(
            "receipt.remains-until",
            _(
                "Encrypted copies stay in database backups until %(backups_until)s at the latest."
                " By %(keys_until)s, Antares destroys its key to them. A record without content"
                " stays."
            ),
        ),
        "receipt.remains-without-key": claim(
            "receipt.remains-without-key",
            _(
                "Encrypted copies stay in database backups until %(backups_until)s at the latest."
                " On %(keys_ended_at)s, Antares destroyed its key to them. A record without"
                " content stays."
            ),
        ),
        "receipt.check-offline": claim(
            "receipt.check-offline",
            _(
                "You can check this receipt offline and without an account: download it and the"
                " page %(verifier)s, open that page in a browser, and compare its keys with the"
                " %(keys)s."
            ),
        ),
    }
)

#: Why the grant was still needed, by the names of `shared_grants.list_grant_needs`.
REASONS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "mail": _("its mail was still connected"),
        "calendar": _("its calendars were still connected"),
        "drive": _("its Drive was still connected"),
        "connection": _("you had connected it again"),
        "other_connection": _("another organisation had connected it as well"),
    }
)
TWO: Final = _("%(first)s and %(second)s")
ALTERNATIVES: Final = _("%(first)s or %(second)s")
PUBLISHED_KEYS: Final = _("published keys")
PRODUCTS: Final[Mapping[str, Text]] = MappingProxyType(
    {"mail": _("mail"), "calendar": _("calendar data"), "drive": _("uploads")}
)
UNKNOWN_STORE: Final = _("Other data")
OTHER_STORES: Final = _("All other kinds")

#: Reasons of removals (`PurgeTrigger`).
TRIGGERS: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "owner": _("You disconnected it."),
        "support": _("Support disconnected it."),
        "grant_ended": _(
            "The access at the provider had ended, and you did not reconnect in time."
        ),
        "permission_withdrawn": _(
            "The permission was withdrawn at the provider and not granted again in time."
        ),
        "consent_withdrawn": _("You withdrew your agreement to the feature that needed the data."),
        "left_organisation": _("You left the organisation."),
        "organisation_closed": _("The organisation was closed."),
        "deactivated": _("Your Antares account was deactivated."),
        "inactive": _("You had not signed in for a year."),
        "restored": _("It had been removed before, and came back with a restored backup."),
    }
)

SUPPORT_REASON: Final = _("Reason given by the agent: %(reason)s")

#: Labels of the purge's inventory in words; `tests` compares the two.
STORES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "integrations.Message": _("Messages"),
        "integrations.MessageBody": _("Texts of messages"),
        "integrations.Attachment": _("Attachments"),
        "integrations.Thread": _("Conversations"),
        "integrations.Calendar": _("Calendars"),
        "integrations.Event": _("Events"),
        "integrations.DriveFile": _("Uploads"),
        "integrations.DriveFolder": _("Folders for uploads"),
        "integrations.FolderRequest": _("Choices of a folder that were not complete"),
        "integrations.StandingConsent": _("Consents to save files"),
        "integrations.SetAside": _("Items that could not be read"),
        "integrations.Reconciliation": _("Comparisons with the provider"),
        "integrations.SyncWork": _("Positions of the sync"),
        "integrations.StatusChange": _("Earlier statuses"),
        "integrations.Watch": _("Subscriptions to notifications"),
        "integrations.UploadChunk": _("Pieces of files to send"),
        "integrations.Upload": _("Files to send"),
        "integrations.OutboxCommand": _("Messages in the outbox"),
        "integrations.DeliveryReport": _("Messages that came back"),
        "integrations.DraftProposal": _("Proposed drafts"),
        "integrations.SendingSettings": _("Settings for sending"),
        "integrations.NoticePreference": _("Choices of notices in the mailbox"),
        "integrations.Export": _("Exports"),
        "integrations.Reply": _("Answers to repeated requests"),
        "integrations.FeatureRead": _("Notes of features that received data"),
        "integrations.QuotaBucket": _("Counters of requests"),
        "integrations.Notice": _("Notices to you"),
        "integrations.ConnectAttempt": _("Attempts to connect"),
        "integrations.Approval": _("Requests to an administrator"),
        "integrations.Connection.grant": _("Account address and access tokens"),
        "limited_use.DataKey.copies": _("Keys to calendars"),
        "limited_use.DataKey.content": _("Keys to mail, calendar data and uploads"),
        "limited_use.DataKey.credential": _("Keys to access tokens"),
        "limited_use.DataKey.account": _("Keys to the account address"),
    }
)

#: Lines of keys (`KeyLine`) in words.
KEY_LINES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "content": _("Mail, calendar data and uploads"),
        "own": _("Antares calendars"),
        "account": _("Account address"),
        "credential": _("Access tokens"),
    }
)

#: Topics of the document's own sentences, by member of `remains`, or of the body.
NOTES: Final[Mapping[str, Text]] = MappingProxyType(
    {
        "provider_revocation": _("Access at the provider"),
        "provider_watches": _("Notifications of the provider"),
        "at_the_provider": _("Data at the provider"),
        "uploads": _("Uploads"),
        "feature_copies": _("Copies of features"),
        "credential": _("Access tokens"),
        "backups": _("Database backups"),
        "key_epoch": _("Key to encrypted copies"),
        "own_key_epoch": _("Key to encrypted copies of Antares calendars"),
        "key_store_copies": _("Copies of the key store"),
        "ledger": _("Ledger entries"),
        "ledger_key": _("Key to the ledger"),
        "tombstones": _("Records"),
        "consent": _("Agreement"),
        "support": _("Acts of support"),
        "proves": _("What the receipt proves"),
    }
)
UNTIL: Final = _("until")
NOT_CONFIRMED: Final = _("Not when this receipt was signed")


def list_feature_titles() -> dict[str, str]:
    """Return the titles of features that other services of the platform run, by key."""
    return {
        key: gettext(feature.title) for key, feature in FEATURES.items() if feature.platform_client
    }


def list_support_reasons() -> dict[str, str]:
    """Return a sentence for each reason of a support agent."""
    return {str(key): str(SUPPORT_REASON) % {"reason": text} for key, text in REASON.items()}


def describe_trigger(trigger: str, support_reason: str = "") -> str:
    """:param support_reason: a `SupportReason`, or empty"""
    sentences = (str(TRIGGERS[trigger]), list_support_reasons().get(support_reason, ""))
    return " ".join(filter(None, sentences))


def list_count_forms() -> dict[str, list[str]]:
    """Return the forms for one and for many, by the name of the count."""
    return {name: [format_count(name, number, "%(count)s") for number in (1, 2)] for name in COUNTS}


def format_count(name: str, number: int, shown: str) -> str:
    """:param shown: the number as text, such as `2,000`"""
    return COUNTS[name](number) % {"count": shown}


COUNTS: Final = {
    "messages": lambda n: ngettext("%(count)s message", "%(count)s messages", n),
    "threads": lambda n: ngettext("%(count)s conversation", "%(count)s conversations", n),
    "calendars": lambda n: ngettext("%(count)s calendar", "%(count)s calendars", n),
    "events": lambda n: ngettext("%(count)s event", "%(count)s events", n),
    "uploads": lambda n: ngettext("%(count)s upload", "%(count)s uploads", n),
}
