"""Words for ids of the policy: facts, data classes, purposes, recipients, classes of scopes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from limited_use.policy.clauses import ClauseConfidence
from limited_use.policy.policy_vocabulary import DataClass, Fact, Purpose, Recipient

FACTS: Final[Mapping[Fact, Promise]] = {
    Fact.INTEGRATION_LIVE: _("the integration is on, and its purge has not begun"),
    Fact.CONNECTION_LIVE: _("the connection is neither ending nor ended"),
    Fact.GRANT_LIVE: _("the provider has not reported the end of its grant"),
    Fact.GRANT_ENDED: _("the provider reported the end of its grant"),
    Fact.ACTOR_OWNS: _("the acting person owns the connection, in this organisation"),
    Fact.DELEGATION_LIVE: _("the person switched this feature on, and it is still on"),
    Fact.FEATURE_REGISTERED: _("the feature is registered and declares this purpose and data"),
    Fact.CONSENT_CURRENT: _("the owner agreed to the feature's current declaration"),
    Fact.PURGE_RUNNING: _("a purge of the data is running"),
    Fact.KEY_LIVE: _("the data key exists"),
    Fact.NOTIFICATION_CHOSEN: _("the owner chose this kind of notification in that mailbox"),
    Fact.SHARE_LIVE: _("the owner's share names this person and is live"),
    Fact.CACHE_CURRENT: _("the copy is young enough, or the calendar is stored only in Antares"),
    Fact.ITEM_CONSENTED: _("the owner agreed that support reads this item, until an end"),
    Fact.EXPORT_ASKED: _("the owner asked for this export and confirmed their identity"),
    Fact.PROVIDER_SAID: _("the provider named the account in an authenticated message"),
    Fact.SEND_ORDERED: _("the owner ordered this message, and the order stands"),
    Fact.RECIPIENTS_WITHIN_BOUND: _("the message has at most 50 recipients"),
    Fact.HOUR_WITHIN_BOUND: _("the person sent fewer than 100 messages in the last hour"),
    Fact.AGENT_IS_SUPPORT: _("the acting person is a support agent"),
    Fact.LOOKUPS_WITHIN_BOUND: _("the agent looked up few people in the last hour"),
    Fact.DAY_WITHIN_BOUND: _("the person sent fewer than 500 messages in the last day"),
    Fact.RECIPIENTS_KNOWN: _("the owner has corresponded with each recipient"),
    Fact.TEMPLATE_WITHIN_BOUND: _("fewer than 50 people got the same proposal today"),
    Fact.UPLOAD_ORDERED: _("the owner chose or accepted this file, and the order stands"),
    Fact.CROSSING_ORDERED: _("the owner sent this one file to another account of theirs"),
    Fact.STANDING_CONSENT_COVERS: _("a standing consent of the owner covers this file"),
}

DATA_CLASSES: Final[Mapping[DataClass, Promise]] = {
    DataClass.MAIL_CONTENT: _("text and attachments of mail"),
    DataClass.MAIL_METADATA: _("senders, recipients and subjects of mail"),
    DataClass.CALENDAR_EVENT: _("calendar events"),
    DataClass.CALENDAR_FREEBUSY: _("busy times"),
    DataClass.FILE_CONTENT: _("files"),
    DataClass.PROFILE: _("address and name of the account"),
    DataClass.CREDENTIAL: _("access tokens"),
    DataClass.CONTACT_LINK: _("links between phone numbers and mail addresses"),
    DataClass.CHANNEL_CPNI: _("records of calls and messages on other channels"),
}

PURPOSES: Final[Mapping[Purpose, Promise]] = {
    Purpose.INBOX_DISPLAY: _("show mail in the inbox"),
    Purpose.MAIL_SEND: _("send mail"),
    Purpose.DRAFT_PROPOSE: _("propose a draft"),
    Purpose.CALENDAR_SCHEDULE: _("show and edit calendars"),
    Purpose.CALENDAR_INVITE: _("invite guests"),
    Purpose.CALENDAR_SHARE: _("share a calendar"),
    Purpose.DRIVE_UPLOAD: _("upload files"),
    Purpose.NOTIFY_OWNER: _("notify the owner"),
    Purpose.SUPPORT_FIND: _("find a person who needs help"),
    Purpose.SUPPORT_ITEM: _("help with one message or event"),
    Purpose.USER_EXPORT: _("export for the owner"),
    Purpose.CONNECTION_MAINTAIN: _("keep the connection working"),
    Purpose.CONNECTION_END: _("end the connection"),
    Purpose.SYNC_STORE: _("store an encrypted copy"),
    Purpose.VAULT_REKEY: _("encrypt again under a newer key"),
    Purpose.SECURITY_INVESTIGATION: _("security investigation"),
    Purpose.LEGAL_OBLIGATION: _("legal obligation"),
    Purpose.MERGER_TRANSFER: _("sale of the company"),
    Purpose.SENTIMENT_OWNER: _("analysis of moods"),
    Purpose.MARKETING: _("marketing"),
    Purpose.ADVERTISING: _("advertising"),
    Purpose.PROFILING: _("profiling"),
    Purpose.DATA_SALE: _("sale of data"),
    Purpose.CREDIT_SCORING: _("credit scoring"),
    Purpose.MODEL_TRAINING: _("training of models"),
    Purpose.OUTSIDE_SHARING: _("sharing outside Antares"),
}

RECIPIENTS: Final[Mapping[Recipient, Promise]] = {
    Recipient.OWNER: _("the owner"),
    Recipient.PLATFORM_FEATURE: _("a feature of the platform"),
    Recipient.REGISTERED_USER: _("a colleague"),
    Recipient.OWN_PROVIDER: _("the data's own provider"),
    Recipient.OTHER_OWN_ACCOUNT: _("another account of the same person"),
    Recipient.SUPPORT_AGENT: _("a support agent"),
    Recipient.VAULT: _("nobody: the data stays encrypted"),
    Recipient.AUTHORITY: _("an authority"),
    Recipient.ACQUIRER: _("a buyer of the company"),
    Recipient.PROCESSOR: _("a service provider"),
    Recipient.THIRD_PARTY: _("a third party, such as a data broker"),
    Recipient.PUBLIC: _("the public"),
}

KNOWN_BY: Final[Mapping[ClauseConfidence, Promise]] = {
    ClauseConfidence.READ: _("read in the document itself"),
    ClauseConfidence.SIBLING: _("read in a related document of the same publisher"),
    ClauseConfidence.SECOND_HAND: _("quoted by a third party, and not confirmed"),
    ClauseConfidence.OURS: _("our own reading"),
}

#: By class of `evidence.scope_report.CLASSES`.
SCOPE_CLASSES: Final[Mapping[str, Promise]] = {
    "not sensitive": _("non-sensitive"),
    "sensitive": _("sensitive"),
    "restricted": _("restricted"),
    "the person's own consent": _("the person consents"),
    "an administrator's consent by default": _("an administrator consents by default"),
}

#: Key of the rows that `OwnedTable.found` shows.
FOUND_ROWS: Final = "row of a person whom an agent found"
#: By the words of `config.database.row_owners`, as the evidence has them.
STAFF_ROWS: Final[Mapping[str, Promise]] = {
    FOUND_ROWS: _("states of people whom a support agent found in the last 30 minutes"),
    "agreement to show a message or an event to support": _(
        "agreements to show a message or an event to support"
    ),
    "message or event that such an agreement names": _(
        "messages and events that their owners opened to support"
    ),
    "part of such a message": _("texts of messages that their owners opened to support"),
    "calendar of such an event": _("the calendars that these events belong to"),
    "integration of such a message or calendar": _(
        "the products that these messages and events came from"
    ),
    "connection of such an integration": _(
        "the connections that these messages and events came from"
    ),
}

PRODUCTS: Final[Mapping[str, Promise]] = {
    "mail": _("mail"),
    "calendar": _("calendars"),
    "drive": _("Drive"),
}

EVERYONE: Final = _("everyone")
ALL_DATA: Final = _("all data")
ALL_ELSE: Final = _("What no rule permits is refused.")

#: Events of operators, who change which features can call Antares.
EVENTS: Final[Mapping[str, Promise]] = {
    "entry.invalid": _("A row that is not a valid ledger entry"),
    "client.registered": _("An operator registered a client of a platform feature."),
    "client.keys_replaced": _("An operator replaced the keys of a client."),
    "client.redirects_replaced": _("An operator replaced the redirect URIs of a client."),
    "client.retired": _("An operator retired a client."),
}
