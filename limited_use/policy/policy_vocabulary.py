"""
The words of the policy. Pure: offline tools read it without Django.

Tokens, ledger entries and the golden file contain the values: a used value never changes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class DataClass(StrEnum):
    # Hash as str: Enum's own hash is a Python call, and every decision hashes three members.
    __hash__ = str.__hash__

    # Body, headers, attachments.
    MAIL_CONTENT = "mail.content"
    # Addresses, subject, snippet, user labels, file names; cursors and remote ids.
    MAIL_METADATA = "mail.metadata"
    CALENDAR_EVENT = "calendar.event"
    CALENDAR_FREEBUSY = "calendar.freebusy"
    # Files that pass into the owner's Drive, and their names, types, sizes and remote ids.
    FILE_CONTENT = "file.content"
    # The account's address and name at the provider.
    PROFILE = "profile"
    # Refresh and access tokens.
    CREDENTIAL = "credential"
    # That a phone number and a mail address belong to one person: learnt from mail, so provider
    # data too (see `policy_evaluation.add_source_classes`).
    CONTACT_LINK = "contact.link"
    # Who called and wrote to each other, and when, on the platform's other channels: not provider
    # data, and named so that no use of it is free.
    CHANNEL_CPNI = "channel.cpni"


class Purpose(StrEnum):
    """The last block exists only to be refused."""

    __hash__ = str.__hash__

    INBOX_DISPLAY = "inbox.display"
    MAIL_SEND = "mail.send"
    # A feature proposes a draft; only the owner can send it.
    DRAFT_PROPOSE = "draft.propose"
    CALENDAR_SCHEDULE = "calendar.schedule"
    # The provider mails an invitation or a change to the guests of an event.
    CALENDAR_INVITE = "calendar.invite"
    CALENDAR_SHARE = "calendar.share"
    DRIVE_UPLOAD = "drive.upload"
    NOTIFY_OWNER = "notify.owner"
    SUPPORT_ITEM = "support.item"
    # An agent finds a person by an exact address, id or code.
    SUPPORT_FIND = "support.find"
    USER_EXPORT = "user.export"
    # The service's own purposes: calls to the data's own provider.
    CONNECTION_MAINTAIN = "connection.maintain"
    CONNECTION_END = "connection.end"
    # Permission to store; one entry per sync session.
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

    # The person who owns the connection.
    OWNER = "owner"
    # Another service of the platform that acts for the person.
    PLATFORM_FEATURE = "platform_feature"
    REGISTERED_USER = "registered_user"
    # The provider and account that the data came from.
    OWN_PROVIDER = "own_provider"
    # Another account that the same person connected, at the same or another provider.
    OTHER_OWN_ACCOUNT = "other_own_account"
    SUPPORT_AGENT = "support_agent"
    # No recipient: the data stays sealed.
    VAULT = "vault"
    AUTHORITY = "authority"
    ACQUIRER = "acquirer"
    PROCESSOR = "processor"
    THIRD_PARTY = "third_party"
    PUBLIC = "public"


class Fact(StrEnum):
    """
    A fact looked up in the database by ids.

    The loss of a fact can close a use and never open one.
    """

    __hash__ = str.__hash__

    # The integration is on: neither purging nor purged.
    INTEGRATION_LIVE = "integration_live"
    # The connection is neither ending nor ended.
    CONNECTION_LIVE = "connection_live"
    # The provider's grant is live. After the provider ends it, features stop at once, and only the
    # owner still reads.
    GRANT_LIVE = "grant_live"
    # The provider reported the end of the grant.
    GRANT_ENDED = "grant_ended"
    # The acting person (for a client: of its delegation) owns the connection, in the organisation
    # in which they act.
    ACTOR_OWNS = "actor_owns"
    # The person's delegation to this feature is on, with the token's epoch.
    DELEGATION_LIVE = "delegation_live"
    # The feature is registered and declares this purpose and data class. The guard finds this
    # itself, and drops a caller's claim.
    FEATURE_REGISTERED = "feature_registered"
    # The owner agreed to the feature's current declaration.
    CONSENT_CURRENT = "consent_current"
    # A purge of this connection or its integration is running.
    PURGE_RUNNING = "purge_running"
    # The holder's data key exists.
    KEY_LIVE = "key_live"
    # The owner chose this kind of notification for this mailbox.
    NOTIFICATION_CHOSEN = "notification_chosen"
    # The owner's share of this calendar names the acting person, and is live: not withdrawn, not
    # expired, both still members.
    SHARE_LIVE = "share_live"
    # The copy is younger than its time to live since the calendar's last sync, or the calendar is
    # local and no copy.
    CACHE_CURRENT = "cache_current"
    # The owner agreed that support reads this item, under the current declaration, and the consent
    # has not expired.
    ITEM_CONSENTED = "item_consented"
    # The acting person is an active support agent.
    AGENT_IS_SUPPORT = "agent_is_support"
    # The agent looked up few people within the last hour.
    LOOKUPS_WITHIN_BOUND = "lookups_within_bound"
    # The owner asked for this export, and confirmed their identity.
    EXPORT_ASKED = "export_asked"
    # The provider itself named it, in an authenticated message.
    PROVIDER_SAID = "provider_said"
    # The owner ordered this message, and neither took it back nor lost the right to send it.
    SEND_ORDERED = "send_ordered"
    # Bounds (`integrations.access.sending_bounds`): recipients of this message, the person's
    # messages in the last hour, and in the last day.
    RECIPIENTS_WITHIN_BOUND = "recipients_within_bound"
    HOUR_WITHIN_BOUND = "hour_within_bound"
    DAY_WITHIN_BOUND = "day_within_bound"
    # The owner has corresponded with each recipient of the proposed draft.
    RECIPIENTS_KNOWN = "recipients_known"
    # Few enough people got this feature's same proposal today.
    TEMPLATE_WITHIN_BOUND = "template_within_bound"
    # The owner ordered this upload, or accepted the proposal of it, and did not stop it.
    UPLOAD_ORDERED = "upload_ordered"
    # The owner ordered that this one file goes to another account of theirs, on a page that named
    # its provider.
    CROSSING_ORDERED = "crossing_ordered"
    # A live standing consent of the owner covers the file: its feature, folder, kind and size, and
    # the number of files before it.
    STANDING_CONSENT_COVERS = "standing_consent_covers"


class Use(NamedTuple):
    """One proposed use of provider data. A tuple, so that a table finds it in 0.1 µs."""

    data_class: DataClass
    purpose: Purpose
    recipient: Recipient
