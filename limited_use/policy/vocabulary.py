"""
The words of the policy: what kind of data, why, to whom, and what was found true.

Pure: the offline tools read it without Django. A value is what stands in
tokens, ledger entries and the golden file; it never changes once used.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class DataClass(StrEnum):
    """What kind of provider data."""

    # Hashed as the string it is: Enum's own hash is a Python call, and every decision hashes three.
    __hash__ = str.__hash__

    # Body, headers, attachments.
    MAIL_CONTENT = "mail.content"
    # Addresses, subject, snippet, user labels, file names; cursors and remote ids.
    MAIL_METADATA = "mail.metadata"
    CALENDAR_EVENT = "calendar.event"
    CALENDAR_FREEBUSY = "calendar.freebusy"
    FILE_CONTENT = "file.content"
    # Which account is connected: its address and name at the provider.
    PROFILE = "profile"
    # Refresh and access tokens.
    CREDENTIAL = "credential"
    # That a phone number and a mail address are one person's: learnt from mail, so
    # provider data too (see `evaluation.derived`).
    CONTACT_LINK = "contact.link"
    # Who called and wrote whom, when, on the platform's other channels: not provider
    # data, and named here so that it cannot be taken for something free.
    CHANNEL_CPNI = "channel.cpni"


class Purpose(StrEnum):
    """Why. The last block exists only to be refused."""

    __hash__ = str.__hash__

    INBOX_DISPLAY = "inbox.display"
    MAIL_SEND = "mail.send"
    CALENDAR_SCHEDULE = "calendar.schedule"
    CALENDAR_SHARE = "calendar.share"
    DRIVE_UPLOAD = "drive.upload"
    NOTIFY_OWNER = "notify.owner"
    SUPPORT_ITEM = "support.item"
    USER_EXPORT = "user.export"
    # The service's own: talk to the provider that the data came from.
    CONNECTION_MAINTAIN = "connection.maintain"
    CONNECTION_END = "connection.end"
    # May this be kept? One entry per run of a sync.
    SYNC_STORE = "sync.store"
    # Seal again under a newer key.
    VAULT_REKEY = "vault.rekey"

    SECURITY_INVESTIGATION = "security.investigation"
    LEGAL_OBLIGATION = "legal.obligation"
    MERGER_TRANSFER = "merger.transfer"

    SENTIMENT_OWNER = "sentiment.owner"
    MARKETING = "marketing"
    ADVERTISING = "advertising"
    PROFILING = "profiling"
    DATA_SALE = "data.sale"
    CREDIT_SCORING = "credit.scoring"
    MODEL_TRAINING = "model.training"
    OUTSIDE_SHARING = "outside.sharing"


class Recipient(StrEnum):
    """To whom. Found from facts, never claimed."""

    __hash__ = str.__hash__

    # The person whose connection it is.
    OWNER = "owner"
    # Another service of the platform, acting for that person.
    PLATFORM_FEATURE = "platform_feature"
    REGISTERED_USER = "registered_user"
    # The provider, and the very account, that the data came from.
    OWN_PROVIDER = "own_provider"
    SUPPORT_AGENT = "support_agent"
    # Nobody: it stays sealed.
    VAULT = "vault"
    AUTHORITY = "authority"
    ACQUIRER = "acquirer"
    PROCESSOR = "processor"
    THIRD_PARTY = "third_party"
    PUBLIC = "public"


class Fact(StrEnum):
    """
    Something looked up in the database by ids and found true.

    A fact only ever permits: each is worded so that losing it can close a use
    and never open one.
    """

    __hash__ = str.__hash__

    # The integration is switched on: neither being purged nor purged.
    INTEGRATION_LIVE = "integration_live"
    # The connection is neither ending nor ended.
    CONNECTION_LIVE = "connection_live"
    # The provider's grant stands. Lost on its word that it is gone: then features
    # stop at once, and only the owner still reads.
    GRANT_LIVE = "grant_live"
    # The provider said that the grant is gone.
    GRANT_ENDED = "grant_ended"
    # The acting person (for a client: the person of its delegation) owns the
    # connection, in the organisation in which they act.
    ACTOR_OWNS = "actor_owns"
    # The person's delegation to this feature is on, under the epoch of the token.
    DELEGATION_LIVE = "delegation_live"
    # The feature is registered and declares this purpose and data class. Found by
    # the guard itself; what a caller says about it is dropped.
    FEATURE_REGISTERED = "feature_registered"
    # The owner agreed to the feature as it is declared now.
    CONSENT_CURRENT = "consent_current"
    # A purge of this connection or of its integration is under way.
    PURGE_RUNNING = "purge_running"
    # The holder's data key exists.
    KEY_LIVE = "key_live"
    # The owner chose to get this kind of notification in this very mailbox.
    NOTIFICATION_CHOSEN = "notification_chosen"
    # A share of the owner's, of this calendar, names the acting person, and stands: not
    # withdrawn, not past its end, both still in the organisation.
    SHARE_LIVE = "share_live"
    # The copy is younger than its time to live: a calendar's last look at the provider, or a
    # calendar that lives here and is nobody's copy.
    CACHE_CURRENT = "cache_current"
    # The owner agreed that support reads this very item, under the words that stand
    # now, and the end they set has not come.
    ITEM_CONSENTED = "item_consented"
    # The owner asked for this very export, and confirmed that it is them.
    EXPORT_ASKED = "export_asked"
    # The provider itself named it, in words that are proven to be its own.
    PROVIDER_SAID = "provider_said"


class Use(NamedTuple):
    """One use of provider data, proposed. A tuple, so that a table finds it in 0.1 µs."""

    data_class: DataClass
    purpose: Purpose
    recipient: Recipient
