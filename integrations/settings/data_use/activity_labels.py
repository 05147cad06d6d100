"""Owner-facing labels of purposes, data classes, recipients and events. Pure."""

from __future__ import annotations

from typing import Final

from accounts.actors import ActorKind
from limited_use.ledger.subject_access import SubjectLedgerEntry
from limited_use.policy import policy_evaluation
from limited_use.policy.feature_registry import FEATURES
from limited_use.policy.policy_vocabulary import DataClass, Purpose, Recipient

PURPOSE: Final[dict[str, str]] = {
    Purpose.INBOX_DISPLAY: "Show your inbox",
    Purpose.MAIL_SEND: "Send mail for you",
    Purpose.CALENDAR_SCHEDULE: "Plan your calendar",
    Purpose.CALENDAR_SHARE: "Share your calendar",
    Purpose.DRIVE_UPLOAD: "Upload to your Drive",
    Purpose.NOTIFY_OWNER: "Notify you",
    Purpose.SUPPORT_ITEM: "Help you with one item",
    Purpose.USER_EXPORT: "Make your copy",
    Purpose.CONNECTION_MAINTAIN: "Keep the connection working",
    Purpose.CONNECTION_END: "End the connection",
    Purpose.SYNC_STORE: "Keep it for your inbox",
    Purpose.VAULT_REKEY: "Seal it under a newer key",
    Purpose.SECURITY_INVESTIGATION: "Investigate abuse",
    Purpose.LEGAL_OBLIGATION: "A legal duty",
    Purpose.MERGER_TRANSFER: "A sale of the company",
    Purpose.SENTIMENT_OWNER: "Judge moods",
    Purpose.MARKETING: "Marketing",
    Purpose.ADVERTISING: "Advertising",
    Purpose.PROFILING: "Build a profile",
    Purpose.DATA_SALE: "Sell data",
    Purpose.CREDIT_SCORING: "Judge credit",
    Purpose.MODEL_TRAINING: "Train a model",
    Purpose.OUTSIDE_SHARING: "Share outside Antares",
}

DATA_CLASS: Final[dict[str, str]] = {
    DataClass.MAIL_CONTENT: "Text and attachments of mail",
    DataClass.MAIL_METADATA: "Senders, recipients, subjects, labels, file names",
    DataClass.CALENDAR_EVENT: "Calendar events",
    DataClass.CALENDAR_FREEBUSY: "When you are free or busy",
    DataClass.FILE_CONTENT: "Files",
    DataClass.PROFILE: "Address of the account",
    DataClass.CREDENTIAL: "Keys to the account",
    DataClass.CONTACT_LINK: "Which number and which address are one person's",
    DataClass.CHANNEL_CPNI: "Records of calls and messages",
}

RECIPIENT: Final[dict[str, str]] = {
    Recipient.OWNER: "You",
    Recipient.PLATFORM_FEATURE: "The feature, for you",
    Recipient.REGISTERED_USER: "People you chose",
    Recipient.OWN_PROVIDER: "The provider that it came from",
    Recipient.SUPPORT_AGENT: "Antares support",
    Recipient.VAULT: "Nobody, it stays sealed",
    Recipient.AUTHORITY: "An authority",
    Recipient.ACQUIRER: "A buyer of the company",
    Recipient.PROCESSOR: "A service provider of ours",
    Recipient.THIRD_PARTY: "A third party",
    Recipient.PUBLIC: "Everybody",
}

# Ledger events that are no use of data.
EVENT: Final[dict[str, str]] = {
    "connection.connected": "Account connected",
    "connection.forgotten": "Connection removed",
    "connection.grant_ended": "Access ended at the provider",
    "consent.given": "You agreed",
    "consent.withdrawn": "You withdrew your agreement",
    "consent.replaced": "An older agreement ended with a newer one",
    "consent.lapsed": "Your agreement ended, with what it was about",
    "consent.expired": "Your agreement came to its end",
    "delegation.switched_on": "You switched it on",
    "delegation.switched_off": "You switched it off",
    "grant.discarded": "Access given back",
    "integration.connected": "Mailbox switched on",
    "integration.disconnected": "Mailbox disconnected",
    "integration.emptied": "Everything it brought in was removed",
    "key.destroyed": "Key destroyed",
    "ledger_key.set_aside": "Its names in this record put aside for you",
    "ledger_key.destroyed": "Its names in this record destroyed",
    "purge.completed": "Removal completed",
    "revocation.settled": "Our access at the provider was settled",
}

OUTCOME: Final[dict[str, tuple[str, str]]] = {
    "permitted": ("Permitted", "good"),
    "refused": ("Refused", "bad"),
}
# Label of an event that is no use of data.
RECORDED: Final = ("Recorded", "")

YOU: Final = "You"
SERVICE: Final = "Antares itself"
SOMEBODY_ELSE: Final = "Somebody else"


def describe_actor(entry: SubjectLedgerEntry, *, is_owner: bool) -> str:
    """:param is_owner: whether the entry's actor is the reader"""
    if entry.actor_kind == ActorKind.CLIENT:
        return get_feature_title(entry.feature) or "A feature"
    if entry.actor_kind == ActorKind.PERSON:
        other = _OTHER_PERSON.get(entry.recipient or "", SOMEBODY_ELSE)
        return YOU if is_owner else other
    # Events that are no use: agreements come from the owner, the others from the service.
    return YOU if entry.event in _BY_OWNER else SERVICE


_OTHER_PERSON: Final[dict[str, str]] = {
    Recipient.SUPPORT_AGENT: "Antares support",
    Recipient.REGISTERED_USER: "Somebody you share with",
}
_BY_OWNER: Final = frozenset(
    {
        "connection.connected",
        "consent.given",
        "consent.withdrawn",
        "delegation.switched_on",
        "delegation.switched_off",
    }
)


def describe_use(entry: SubjectLedgerEntry) -> str:
    if entry.outcome is None:
        return EVENT.get(entry.event, entry.event)
    if (entry.purpose, entry.recipient) == (Purpose.CONNECTION_MAINTAIN, Recipient.OWNER):
        return "Show which account it is"
    return PURPOSE.get(entry.purpose or "", entry.purpose or "")


def describe_recipient(entry: SubjectLedgerEntry) -> str:
    """Empty if the recipient is the actor, who has a column of its own."""
    if entry.recipient in {None, Recipient.PLATFORM_FEATURE}:
        return ""
    return RECIPIENT.get(entry.recipient or "", entry.recipient or "")


def get_feature_title(key: str | None) -> str:
    """Return the key if the feature is no longer registered."""
    if key is None:
        return ""
    declared = FEATURES.get(key)
    return key if declared is None else declared.title


def get_rule_text(rule_id: str | None) -> str:
    """Return the id if the rule no longer exists."""
    return "" if rule_id is None else policy_evaluation.RULE_TEXTS.get(rule_id, rule_id)
