"""Texts about uses of data: labels of the words of the policy and of ledger events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from accounts.oauth.authorization import LinkProblem
from limited_use.policy.claims import claim
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

    Texts = Mapping[str, StrOrPromise]

PURPOSE: Final[Texts] = {
    Purpose.INBOX_DISPLAY: _("Show your inbox"),
    Purpose.MAIL_SEND: _("Send mail for you"),
    Purpose.DRAFT_PROPOSE: _("Propose drafts to you"),
    Purpose.CALENDAR_SCHEDULE: _("Plan your calendar"),
    Purpose.CALENDAR_INVITE: _("Invite guests for you"),
    Purpose.CALENDAR_SHARE: _("Share your calendar"),
    Purpose.DRIVE_UPLOAD: _("Upload to your Drive"),
    Purpose.NOTIFY_OWNER: _("Notify you"),
    Purpose.SUPPORT_ITEM: _("Support with one message or event"),
    Purpose.SUPPORT_FIND: _("Find you for support"),
    Purpose.USER_EXPORT: _("Export your data"),
    Purpose.CONNECTION_MAINTAIN: _("Keep the connection working"),
    Purpose.CONNECTION_END: _("End the connection"),
    Purpose.SYNC_STORE: _("Sync your account"),
    Purpose.VAULT_REKEY: _("Renew the encryption"),
    Purpose.SECURITY_INVESTIGATION: _("Investigate abuse"),
    Purpose.LEGAL_OBLIGATION: _("Fulfil a legal duty"),
    Purpose.MERGER_TRANSFER: _("Sale of the company"),
    Purpose.SENTIMENT_OWNER: _("Analyse moods"),
    Purpose.MARKETING: _("Marketing"),
    Purpose.ADVERTISING: _("Advertising"),
    Purpose.PROFILING: _("Build a profile"),
    Purpose.DATA_SALE: _("Sell data"),
    Purpose.CREDIT_SCORING: _("Rate credit"),
    Purpose.MODEL_TRAINING: _("Train a model"),
    Purpose.OUTSIDE_SHARING: _("Share outside Antares"),
}

DATA_CLASS: Final[Texts] = {
    DataClass.MAIL_CONTENT: _("Text and attachments of mail"),
    DataClass.MAIL_METADATA: _("Senders, recipients, subjects, labels and file names of mail"),
    DataClass.CALENDAR_EVENT: _("Calendar events"),
    DataClass.CALENDAR_FREEBUSY: _("Free and busy times"),
    DataClass.FILE_CONTENT: _("Files"),
    DataClass.PROFILE: _("Address of the account"),
    DataClass.CREDENTIAL: _("Access keys of the account"),
    DataClass.CONTACT_LINK: _("Links between phone numbers and email addresses"),
    DataClass.CHANNEL_CPNI: _("Records of calls and messages"),
}
#: The same inside a sentence.
DATA_IN_SENTENCE: Final[Texts] = {
    DataClass.MAIL_CONTENT: _("the text of your mail"),
    DataClass.MAIL_METADATA: _("the senders, recipients and subjects of your mail"),
    DataClass.CALENDAR_EVENT: _("your calendar events"),
    DataClass.CALENDAR_FREEBUSY: _("your free and busy times"),
    DataClass.FILE_CONTENT: _("your files"),
    DataClass.PROFILE: _("the address of your account"),
    DataClass.CREDENTIAL: _("the access keys of your account"),
    DataClass.CONTACT_LINK: _("links between phone numbers and email addresses"),
    DataClass.CHANNEL_CPNI: _("records of your calls and messages"),
}

RECIPIENT: Final[Texts] = {
    Recipient.OWNER: _("You"),
    Recipient.PLATFORM_FEATURE: _("The feature, for you"),
    Recipient.REGISTERED_USER: _("Colleagues whom you choose"),
    Recipient.OWN_PROVIDER: _("Your own provider"),
    Recipient.OTHER_OWN_ACCOUNT: _("Another account of yours"),
    Recipient.SUPPORT_AGENT: _("An Antares support agent"),
    Recipient.VAULT: _("Encrypted storage only"),
    Recipient.AUTHORITY: _("An authority"),
    Recipient.ACQUIRER: _("A buyer of the company"),
    Recipient.PROCESSOR: _("A service provider of Antares"),
    Recipient.THIRD_PARTY: _("A third party"),
    Recipient.PUBLIC: _("The public"),
}

#: Ledger events that are no use of data.
EVENT: Final[Texts] = {
    "entry.invalid": _("A row that is not a valid ledger entry"),
    "connection.connected": _("Account connected"),
    "connection.forgotten": _("Connection removed"),
    "connection.grant_ended": _("Access ended at the provider"),
    "consent.given": _("You agreed"),
    "consent.withdrawn": _("You withdrew your agreement"),
    "consent.replaced": _("Your agreement was replaced by a newer one"),
    "consent.lapsed": _("Your agreement ended with the account or the feature"),
    "consent.expired": _("Your agreement expired"),
    "delegation.switched_on": _("You switched the feature on"),
    "delegation.switched_off": _("You switched the feature off"),
    "removal.issued": claim(
        "activity.removal-issued", _("Antares told the feature to delete its copies")
    ),
    "grant.discarded": _("Access returned to the provider"),
    "integration.connected": _("Mailbox, calendar or Drive connected"),
    "integration.disconnected": _("Mailbox, calendar or Drive disconnected"),
    "integration.emptied": _("All data of the mailbox, calendar or Drive removed"),
    "key.destroyed": _("Encryption key destroyed"),
    "ledger_key.set_aside": _("Key of the removed account's records kept for you"),
    "ledger_key.destroyed": _("Key of the removed account's records destroyed"),
    "purge.completed": _("Removal completed"),
    "support.item_allowed": _("You opened an item that support asked for"),
    "support.item_asked": _("Support asked to see an item"),
    "support.item_declined": _("You declined to open an item to support"),
    "support.item_not_needed": _("Support no longer needs to see an item"),
    "revocation.settled": _("End of access at the provider checked"),
    "support.act_ordered": _("Order of support"),
    "support.act_done": _("Order of support carried out"),
    "support.act_unnecessary": _("Order of support: nothing was left to do"),
    "support.act_stopped": _("Order of support stopped before it began"),
    "support.act_failed": _("Order of support failed"),
}

OUTCOME: Final[Mapping[str, tuple[StrOrPromise, str]]] = {
    "permitted": (_("Allowed"), "good"),
    "refused": (_("Refused"), "bad"),
}
#: Label and tone of an event that is no use of data.
RECORDED: Final[tuple[StrOrPromise, str]] = (_("Recorded"), "")

YOU: Final = _("You")
SERVICE: Final = _("Antares")
ANOTHER_PERSON: Final = _("Another person")
A_FEATURE: Final = _("A feature")
OTHER_PERSON: Final[Texts] = {
    Recipient.SUPPORT_AGENT: _("An Antares support agent"),
    Recipient.REGISTERED_USER: _("A colleague with whom you share"),
}

READ_MAIL: Final = _("read your mail")
READ_CALENDARS: Final = _("read your calendars")
ORDERED_MAIL: Final = _("asked Antares to send a message")
SYNCED_MAIL: Final = _("synced your mail")
SYNCED_CALENDARS: Final = _("synced your calendars")
#: Two actions, and one for both.
JOINT_ACTIONS: Final = (
    (READ_MAIL, READ_CALENDARS, _("read your mail and calendars")),
    (SYNCED_MAIL, SYNCED_CALENDARS, _("synced your mail and calendars")),
)
#: Past actions: purpose and recipient, or purpose alone. A subject stands before them.
ACTION: Final[Mapping[tuple[str, str], StrOrPromise]] = {
    (Purpose.INBOX_DISPLAY, ""): READ_MAIL,
    (Purpose.MAIL_SEND, ""): _("looked at your outbox"),
    (Purpose.MAIL_SEND, Recipient.OWN_PROVIDER): _("sent mail from your mailbox"),
    (Purpose.MAIL_SEND, Recipient.VAULT): _("stored a text, a file or a signature for your mail"),
    (Purpose.DRAFT_PROPOSE, ""): _("proposed a draft to you"),
    (Purpose.DRAFT_PROPOSE, Recipient.VAULT): _(
        "compared the recipients of a draft with your mail"
    ),
    (Purpose.DRIVE_UPLOAD, ""): _("proposed a file for your Drive"),
    (Purpose.DRIVE_UPLOAD, Recipient.OWNER): _("looked at the list of your uploads"),
    (Purpose.DRIVE_UPLOAD, Recipient.OWN_PROVIDER): _("put a file into your Drive"),
    (Purpose.DRIVE_UPLOAD, Recipient.OTHER_OWN_ACCOUNT): _(
        "saved a file of one account in the Drive of another"
    ),
    (Purpose.DRIVE_UPLOAD, Recipient.VAULT): _("changed the list of your uploads"),
    (Purpose.CALENDAR_INVITE, ""): _("invited guests to an event"),
    (Purpose.CALENDAR_SCHEDULE, ""): READ_CALENDARS,
    (Purpose.CALENDAR_SCHEDULE, Recipient.OWN_PROVIDER): _("changed your calendar"),
    (Purpose.CALENDAR_SCHEDULE, Recipient.VAULT): _("changed your Antares calendar"),
    (Purpose.CALENDAR_SHARE, ""): _("looked at a calendar that you share"),
    (Purpose.NOTIFY_OWNER, ""): _("notified you"),
    (Purpose.SUPPORT_FIND, ""): _("looked up the state of your connections"),
    (Purpose.SUPPORT_ITEM, ""): _("read a message or an event that you opened to support"),
    (Purpose.USER_EXPORT, ""): _("exported your data"),
    (Purpose.CONNECTION_MAINTAIN, ""): _("checked the connection"),
    (Purpose.CONNECTION_MAINTAIN, Recipient.OWNER): _("saw which accounts are connected"),
    (Purpose.CONNECTION_END, ""): _("ended the access at your provider"),
    (Purpose.VAULT_REKEY, ""): _("renewed the encryption"),
}

#: What a support agent did, by event; a subject stands before it.
SUPPORT_ACTION: Final[Texts] = {
    "support.act_ordered": _("ordered something for your accounts"),
    "integration.disconnected": _("disconnected a mailbox, a calendar or a Drive"),
}

#: Why a request was refused: the missing facts, as the owner of the data reads them.
MISSING: Final[Texts] = {
    Fact.INTEGRATION_LIVE: _("The mailbox, calendar or Drive was not connected."),
    Fact.CONNECTION_LIVE: _("The account was not connected."),
    Fact.GRANT_LIVE: _("The provider had ended the access."),
    Fact.GRANT_ENDED: _("The provider had not ended the access."),
    Fact.ACTOR_OWNS: _("The data belongs to somebody else than the person who asked."),
    Fact.DELEGATION_LIVE: _("You had not switched the feature on."),
    Fact.FEATURE_REGISTERED: _("The feature does not declare this use."),
    Fact.CONSENT_CURRENT: _("You had not agreed to the current description of the feature."),
    Fact.PURGE_RUNNING: _("No removal was running."),
    Fact.KEY_LIVE: _("The encryption key did not exist."),
    Fact.NOTIFICATION_CHOSEN: _("You had not chosen this notification."),
    Fact.SHARE_LIVE: _("You did not share this calendar with the person who asked."),
    Fact.CACHE_CURRENT: _("The copy was too old to be shown."),
    Fact.ITEM_CONSENTED: _("You had not opened this message or event to support."),
    Fact.EXPORT_ASKED: _("You had not asked for this export, or not confirmed your identity."),
    Fact.PROVIDER_SAID: _("The provider had not reported it."),
    Fact.SEND_ORDERED: _("You had not sent the message, or had taken it back."),
    Fact.RECIPIENTS_WITHIN_BOUND: _("There were too many recipients."),
    Fact.HOUR_WITHIN_BOUND: _("You had sent too many messages in the last hour."),
    Fact.AGENT_IS_SUPPORT: _("The person who asked is not a support agent."),
    Fact.LOOKUPS_WITHIN_BOUND: _("The agent had looked up too many people in the last hour."),
    Fact.DAY_WITHIN_BOUND: _("You had sent too many messages in the last day."),
    Fact.RECIPIENTS_KNOWN: _("You had not corresponded with each recipient."),
    Fact.TEMPLATE_WITHIN_BOUND: _("Too many people had got the same proposal on that day."),
    Fact.UPLOAD_ORDERED: _("You had not chosen this file for your Drive, or had stopped it."),
    Fact.CROSSING_ORDERED: _("You had not agreed that this file goes to another account."),
    Fact.STANDING_CONSENT_COVERS: _("No standing consent of yours covered this file."),
}

#: Badge of a feature: label and tone, by `FeatureState`.
FEATURE_STATE: Final[Mapping[str, tuple[StrOrPromise, str]]] = {
    "on": (_("On"), "good"),
    "off": (_("Off"), ""),
    "again": (_("Needs your agreement again"), "warn"),
    "each_time": (_("Asks each time"), "info"),
    "uses_nothing": (_("Uses no data"), ""),
}
#: Headings of the page Access.
SECTION: Final[Texts] = {
    "on": _("Who has access"),
    "each_time": _("Only when you ask"),
    "off": _("Without access"),
}

FEATURE_CHANGED: Final = _("The description has changed. Please read the current one.")
ALREADY_ON: Final = _("%(feature)s was on already.")
ALREADY_OFF: Final = _("%(feature)s was off already.")
ON_ELSEWHERE: Final = _(
    "%(feature)s is still on, in another of your organisations. Change to that organisation first."
)
SWITCHED_ON: Final = _("%(feature)s is on.")
SWITCHED_OFF: Final = _("%(feature)s is off.")
AGREEMENT_WITHDRAWN: Final = _("Your agreement to %(feature)s is withdrawn.")
SUPPORT_ACCESS_ENDED: Final = claim(
    "support.withdrawn",
    _("Support access has ended. Support agents can no longer read the message or event."),
)

#: Why a feature's link to `/oauth/authorize` does not work.
LINK_PROBLEM: Final[Mapping[LinkProblem, StrOrPromise]] = {
    LinkProblem.CLIENT_MISSING: _("It does not say which feature asks."),
    LinkProblem.CLIENT_UNKNOWN: _("It names a feature that Antares does not know."),
    LinkProblem.REDIRECT_MISSING: _("It does not say where to go back to."),
    LinkProblem.REDIRECT_UNKNOWN: _(
        "It would take you back to an address that the feature has not registered."
    ),
    LinkProblem.STATE_TOO_LONG: _("It is too long."),
}
