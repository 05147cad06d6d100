"""
The words of the policy. Pure: offline tools read it without Django.

Tokens, ledger entries and the golden file contain the values: a used value never changes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class DataClass(StrEnum):
    # Enum's own hash is a Python call; every decision hashes three members.
    __hash__ = str.__hash__

    # Body, headers, attachments.
    MAIL_CONTENT = "mail.content"
    # Addresses, subject, snippet, labels, file names; cursors and remote ids.
    MAIL_METADATA = "mail.metadata"
    CALENDAR_EVENT = "calendar.event"
    CALENDAR_FREEBUSY = "calendar.freebusy"
    FILE_CONTENT = "file.content"
    # The account's address and name at the provider.
    PROFILE = "profile"
    # Refresh and access tokens.
    CREDENTIAL = "credential"
    # That a phone number and a mail address are one person's: learnt from mail, so provider data.
    CONTACT_LINK = "contact.link"
    # Calls and messages on the platform's other channels: no provider data; named so that no use is
    # free.
    CHANNEL_CPNI = "channel.cpni"


class Purpose(StrEnum):
    """The last block exists only to be refused."""

    __hash__ = str.__hash__

    INBOX_DISPLAY = "inbox.display"
    MAIL_SEND = "mail.send"
    CALENDAR_SCHEDULE = "calendar.schedule"
    CALENDAR_SHARE = "calendar.share"
    DRIVE_UPLOAD = "drive.upload"
    NOTIFY_OWNER = "notify.owner"
    SUPPORT_ITEM = "support.item"
    USER_EXPORT = "user.export"
    # The service's own calls to the data's provider.
    CONNECTION_MAINTAIN = "connection.maintain"
    CONNECTION_END = "connection.end"
    # One entry per sync session.
    SYNC_STORE = "sync.store"
    # Re-encrypt under a newer key.
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
    """Derived from facts, never claimed."""

    __hash__ = str.__hash__

    # Of the connection.
    OWNER = "owner"
    # Another service that acts for the person.
    PLATFORM_FEATURE = "platform_feature"
    REGISTERED_USER = "registered_user"
    # The data's source: provider and account.
    OWN_PROVIDER = "own_provider"
    SUPPORT_AGENT = "support_agent"
    # The data stays sealed.
    VAULT = "vault"
    AUTHORITY = "authority"
    ACQUIRER = "acquirer"
    PROCESSOR = "processor"
    THIRD_PARTY = "third_party"
    PUBLIC = "public"


class Fact(StrEnum):
    """Looked up in the database by ids. Losing a fact can close a use and never open one."""

    __hash__ = str.__hash__

    # Neither purging nor purged.
    INTEGRATION_LIVE = "integration_live"
    # Neither ending nor ended.
    CONNECTION_LIVE = "connection_live"
    # At the provider. Otherwise features stop at once, and only the owner still reads.
    GRANT_LIVE = "grant_live"
    # As the provider reported.
    GRANT_ENDED = "grant_ended"
    # The acting person (for a client: of its delegation) owns the connection, in the organisation
    # in which they act.
    ACTOR_OWNS = "actor_owns"
    # With the token's epoch.
    DELEGATION_LIVE = "delegation_live"
    # The feature declares this purpose and data class. The guard ignores a caller's claim.
    FEATURE_REGISTERED = "feature_registered"
    # To the feature's current declaration.
    CONSENT_CURRENT = "consent_current"
    # Of this connection or its integration.
    PURGE_RUNNING = "purge_running"
    KEY_LIVE = "key_live"
    # By the owner, for this mailbox.
    NOTIFICATION_CHOSEN = "notification_chosen"
    # The share of this calendar names the acting person and has not ended; both are members.
    SHARE_LIVE = "share_live"
    # Younger than its time to live since the last sync, or a local calendar.
    CACHE_CURRENT = "cache_current"
    # The owner's current consent that support reads this item.
    ITEM_CONSENTED = "item_consented"
    # By the owner, who confirmed their identity.
    EXPORT_ASKED = "export_asked"
    # In an authenticated message.
    PROVIDER_SAID = "provider_said"


class Use(NamedTuple):
    """A tuple, so that a table finds it in 0.1 µs."""

    data_class: DataClass
    purpose: Purpose
    recipient: Recipient
