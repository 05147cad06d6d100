"""
Why a column may be in clear: kinds, and every column that is not one of ours by its type alone.

Pure. A column stands here with its kind and its reason, or its type has to say that it
can hold nothing but an id of ours, a time, a number, a flag or a word of a closed list.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a column in clear holds."""

    ID = "id"
    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"
    # One of a closed list that stands in the code.
    STATE = "state"
    WORD = "word"
    # Of the provider's, and in clear because a query needs it.
    PROVIDER = "provider"
    # Keyed hashes: under the integration's own key, and under the directory key.
    INNER = "inner blind"
    OUTER = "outer blind"
    # A hash of something random that we made.
    HASH = "hash"
    # Encrypted under a key that is not in the database.
    WRAPPED = "wrapped"
    PROOF = "proof"
    # Of the platform's own users and clients: nothing of a provider.
    PLATFORM = "platform"


WHY: Final[Mapping[Kind, str]] = {
    Kind.ID: "an id of ours",
    Kind.TIME: "when we did or saw something",
    Kind.NUMBER: "a count, version or epoch of ours",
    Kind.FLAG: "a yes or no of ours",
    Kind.STATE: "one of a closed list in the code",
}

_SORTED = "orders the inbox, and ends at the horizon"
_SIZE = "bounds what is fetched; shown"
_FILTERED = "filters and counts the inbox"
_COUNTED = "a count of messages"
_SPENT = "when or how often the sync did something"
_FEATURE = "a key of the feature registry"
_LINE = "which line of keys"
_PRODUCT = "which product: a word of ours"
_PROVIDER_KEY = "which provider: a word of ours"
_AGED = "when a copy began, was looked at, or ended"
_WEEK = "finds what touches a window, to the week and no nearer"
_COPIED = "finds the row again; dies with the key of the copy"
_LOOKUP = "finds the row again; dies with the integration's key"

#: Of tables with something sealed in them every column is listed; of others what types do not say.
LISTED: Final[Mapping[str, tuple[Kind, str]]] = {
    "integrations.Calendar.remote_blind": (Kind.INNER, _LOOKUP),
    "integrations.Calendar.role": (Kind.PROVIDER, "decides what is offered: four words"),
    "integrations.Calendar.is_primary": (Kind.PROVIDER, "orders the list"),
    "integrations.Calendar.is_shown": (Kind.FLAG, "what its owner chose to see"),
    "integrations.Calendar.is_local": (Kind.FLAG, "that it lives here"),
    "integrations.Calendar.gone_at": (Kind.TIME, _AGED),
    "integrations.Calendar.added_at": (Kind.TIME, _AGED),
    "integrations.Calendar.listed_at": (Kind.TIME, _AGED),
    "integrations.Calendar.cached_at": (Kind.TIME, _AGED),
    "integrations.Calendar.cached_from": (Kind.TIME, "what the copy reaches: of our own choosing"),
    "integrations.Calendar.cached_until": (Kind.TIME, "what the copy reaches: of our own choosing"),
    "integrations.Calendar.cleared_at": (Kind.TIME, _AGED),
    "integrations.Calendar.asked_at": (Kind.TIME, _AGED),
    "integrations.Calendar.round": (Kind.NUMBER, "counts rounds of listing"),
    "integrations.Calendar.round_began_at": (Kind.TIME, _AGED),
    "integrations.Calendar.is_compared": (Kind.FLAG, "what the round at hand is for"),
    "integrations.Calendar.compared_at": (Kind.TIME, _AGED),
    "integrations.Calendar.missing_count": (Kind.NUMBER, "how many events a comparison brought"),
    "integrations.Calendar.extra_count": (Kind.NUMBER, "how many events a comparison removed"),
    "integrations.Calendar.unreadable_count": (Kind.NUMBER, "how many events cannot be read"),
    "integrations.Event.kind": (Kind.STATE, "what a row stands for"),
    "integrations.Event.remote_blind": (Kind.INNER, _COPIED),
    "integrations.Event.series_blind": (Kind.INNER, _COPIED),
    "integrations.Event.first_week": (Kind.PROVIDER, _WEEK),
    "integrations.Event.last_week": (Kind.PROVIDER, _WEEK),
    "integrations.Event.is_busy": (Kind.PROVIDER, "a flag: it takes time, or does not"),
    "integrations.Event.is_private": (Kind.PROVIDER, "a flag: shown to nobody else as it is"),
    "integrations.Event.seen_round": (Kind.NUMBER, "which round of listing saw it"),
    "integrations.Event.synced_at": (Kind.TIME, _SPENT),
    "integrations.Event.shown_version": (
        Kind.NUMBER,
        "which version of our code made the description safe",
    ),
    "integrations.PurgeJob.cache_keys": (Kind.ID, "ids of destroyed keys, and whose they were"),
    "integrations.Thread.remote_blind": (Kind.INNER, _LOOKUP),
    "integrations.Thread.first_received_at": (Kind.PROVIDER, _SORTED),
    "integrations.Thread.last_received_at": (Kind.PROVIDER, _SORTED),
    "integrations.Thread.message_count": (Kind.NUMBER, _COUNTED),
    "integrations.Thread.unread_count": (Kind.NUMBER, _COUNTED),
    "integrations.Thread.has_attachments": (Kind.PROVIDER, _FILTERED),
    "integrations.Thread.is_starred": (Kind.PROVIDER, _FILTERED),
    "integrations.Message.remote_blind": (Kind.INNER, _LOOKUP),
    "integrations.Message.rfc822_blind": (Kind.INNER, _LOOKUP),
    "integrations.Message.received_at": (Kind.PROVIDER, _SORTED),
    "integrations.Message.size": (Kind.PROVIDER, _SIZE),
    "integrations.Message.is_unread": (Kind.PROVIDER, _FILTERED),
    "integrations.Message.is_starred": (Kind.PROVIDER, _FILTERED),
    "integrations.Message.has_attachments": (Kind.PROVIDER, _FILTERED),
    "integrations.Message.folders": (
        Kind.PROVIDER,
        "system labels in our words (inbox, sent, …); the user's own labels are sealed",
    ),
    "integrations.Message.seen_round": (Kind.NUMBER, "which round of the snapshot saw it last"),
    "integrations.Message.synced_at": (Kind.TIME, _SPENT),
    "integrations.MessageBody.shown_version": (
        Kind.NUMBER,
        "which version of our code made the text safe",
    ),
    "integrations.Attachment.position": (Kind.NUMBER, "its place in the message"),
    "integrations.Attachment.size": (Kind.PROVIDER, _SIZE),
    "integrations.Attachment.is_inline": (Kind.PROVIDER, "tells pictures from files"),
    "integrations.QuotaBucket.slot_leases": (Kind.TIME, "when requests under way end"),
    "integrations.SetAside.remote_blind": (Kind.INNER, _LOOKUP),
    "integrations.SetAside.reason": (Kind.WORD, "why it was set aside; never the provider's text"),
    "integrations.SetAside.try_count": (Kind.NUMBER, _SPENT),
    "integrations.SetAside.first_seen_at": (Kind.TIME, _SPENT),
    "integrations.SetAside.last_tried_at": (Kind.TIME, _SPENT),
    "integrations.SetAside.next_try_at": (Kind.TIME, "when a delayed message is fetched again"),
    "integrations.SyncWork.resource": (Kind.WORD, "what is synchronised: mail"),
    "integrations.SyncWork.stage": (Kind.STATE, "how far the sync is"),
    "integrations.SyncWork.round": (Kind.NUMBER, "which round of the snapshot runs"),
    "integrations.SyncWork.label_names_blind": (
        Kind.INNER,
        "whether the sealed names of labels changed; dies with the integration's key",
    ),
    "integrations.SyncWork.next_sync_at": (Kind.TIME, "when it is due"),
    "integrations.SyncWork.lease_until": (Kind.TIME, "until when a worker has it"),
    "integrations.SyncWork.heartbeat_at": (Kind.TIME, _SPENT),
    "integrations.SyncWork.failure_count": (Kind.NUMBER, _SPENT),
    "integrations.SyncWork.failing_since": (Kind.TIME, _SPENT),
    "integrations.SyncWork.crash_count": (Kind.NUMBER, _SPENT),
    "integrations.SyncWork.denial_count": (Kind.NUMBER, _SPENT),
    "integrations.SyncWork.pause_reason": (Kind.WORD, "why the sync waits; shown"),
    "integrations.SyncWork.expected_count": (Kind.PROVIDER, "the provider's estimate; shown"),
    "integrations.SyncWork.done_count": (Kind.NUMBER, _COUNTED),
    "integrations.SyncWork.mime_count": (Kind.NUMBER, _COUNTED),
    "integrations.SyncWork.units_spent": (Kind.NUMBER, "quota units spent"),
    "integrations.SyncWork.first_synced_at": (Kind.TIME, _SPENT),
    "integrations.SyncWork.last_synced_at": (Kind.TIME, _SPENT),
    "integrations.SyncWork.last_event_at": (Kind.TIME, _SPENT),
    "integrations.SyncWork.reconcile_at": (Kind.TIME, "when it is compared again"),
    "integrations.SyncWork.looked_at": (Kind.TIME, "when it was last looked at; not by whom"),
    "integrations.Watch.resource": (Kind.WORD, "what is watched: a word of ours, or an id"),
    "integrations.Watch.kind": (Kind.STATE, "in which way the provider tells"),
    "integrations.Watch.status": (Kind.STATE, "how far the watch is"),
    "integrations.Watch.lookup_blind": (
        Kind.OUTER,
        "finds the watch that a notification is about; emptied with the integration",
    ),
    "integrations.Watch.resource_blind": (
        Kind.OUTER,
        "whether a channel calls about what it was opened for; emptied with the integration",
    ),
    "integrations.Watch.wanted_at": (Kind.TIME, "since when it is wanted"),
    "integrations.Watch.started_at": (Kind.TIME, "since when the provider tells"),
    "integrations.Watch.expires_at": (Kind.PROVIDER, "when it has to be renewed"),
    "integrations.Watch.due_at": (Kind.TIME, "when there is something to do about it"),
    "integrations.Watch.failure_count": (Kind.NUMBER, "how often that went wrong"),
    "integrations.Watch.rejected_count": (Kind.NUMBER, "how often our address was rejected"),
    "integrations.Watch.lease_until": (Kind.TIME, "until when a worker has it"),
    "integrations.Watch.last_event_at": (Kind.TIME, "when the provider last told of news; shown"),
    "integrations.Watch.silent_since": (Kind.TIME, "since when it does not; shown"),
    "integrations.Connection.provider": (Kind.WORD, _PROVIDER_KEY),
    "integrations.Connection.account_blind": (
        Kind.OUTER,
        "whether this account is connected already; emptied by the purge of the last integration",
    ),
    "integrations.Connection.status": (Kind.STATE, "how the connection stands"),
    "integrations.Connection.epoch": (Kind.NUMBER, "its fence"),
    "integrations.Connection.access_expires_at": (Kind.PROVIDER, "when the token needs a refresh"),
    "integrations.Connection.grant_generation": (Kind.NUMBER, "counts refreshes"),
    "integrations.Connection.refresh_lease_until": (Kind.TIME, "until when a refresh may take"),
    "integrations.Connection.refresh_beyond": (Kind.NUMBER, "which token was refused"),
    "integrations.Connection.refresh_failed_at": (Kind.TIME, "when a refresh failed"),
    "integrations.Connection.asked_scopes": (Kind.PROVIDER, "names of permissions; emptied too"),
    "integrations.Connection.granted_scopes": (Kind.PROVIDER, "names of permissions; emptied too"),
    "integrations.Connection.connected_at": (Kind.TIME, "since when"),
    "integrations.Connection.reauth_since": (Kind.TIME, "since when the grant is gone"),
    "integrations.Connection.ending_since": (Kind.TIME, "since when it is being ended"),
    "integrations.Connection.revocation": (Kind.STATE, "what became of the grant"),
    "integrations.Connection.revocation_tried_at": (Kind.TIME, "when the provider was told"),
    "integrations.Connection.revocation_try_count": (Kind.NUMBER, "how often it was told"),
    "integrations.Connection.revoking_until": (Kind.TIME, "until when a revocation may arrive"),
    "integrations.Connection.ended_at": (Kind.TIME, "when it ended"),
    "integrations.ConnectAttempt.provider": (Kind.WORD, _PROVIDER_KEY),
    "integrations.ConnectAttempt.product": (Kind.WORD, _PRODUCT),
    "integrations.ConnectAttempt.state_hash": (Kind.HASH, "the state, which is random"),
    "integrations.ConnectAttempt.session_hash": (Kind.HASH, "the browser's session"),
    "integrations.ConnectAttempt.asked_scopes": (Kind.WORD, "names of permissions we asked for"),
    "integrations.ConnectAttempt.feature_versions": (Kind.NUMBER, "versions by feature key"),
    "integrations.Approval.provider": (Kind.WORD, _PROVIDER_KEY),
    "integrations.Approval.product": (Kind.WORD, _PRODUCT),
    "integrations.Approval.state_hash": (Kind.HASH, "the state of the link, which is random"),
    "integrations.Reply.key_blind": (
        Kind.OUTER,
        "whether the same was sent before; emptied with the integration, or after a day",
    ),
    "integrations.Reply.body_blind": (
        Kind.OUTER,
        "whether it asks for the same; emptied with the integration, or after a day",
    ),
    "integrations.Discard.provider": (Kind.WORD, _PROVIDER_KEY),
    "integrations.Discard.account_blind": (
        Kind.OUTER,
        "which account's grant is being revoked; gone with the answer, or a minute",
    ),
    "integrations.Discard.revoking_until": (Kind.TIME, "until when a revocation may arrive"),
    "integrations.Integration.product": (Kind.WORD, _PRODUCT),
    "integrations.PurgeJob.content_key_id": (Kind.HASH, "names a destroyed key, and is none"),
    "integrations.PurgeJob.credential_key_id": (Kind.HASH, "names a destroyed key, and is none"),
    "integrations.PurgeJob.account_key_id": (Kind.HASH, "names a destroyed key, and is none"),
    "integrations.PurgeJob.counts_before": (Kind.NUMBER, "rows by table"),
    "integrations.PurgeJob.counts_left": (Kind.NUMBER, "rows by table"),
    "integrations.PurgeJob.watch_stop": (Kind.WORD, "how stopping the watches went"),
    "integrations.PurgeJob.watch_counts": (Kind.NUMBER, "how many watches came to which end"),
    "integrations.PurgeJob.entry_ids": (Kind.ID, "entries of the ledger"),
    "limited_use.Consent.feature": (Kind.WORD, _FEATURE),
    "limited_use.Consent.purpose": (Kind.WORD, "a word of the vocabulary, or blank"),
    "limited_use.Consent.recipient": (Kind.WORD, "a word of the vocabulary, or blank"),
    "limited_use.DataKey.line": (Kind.WORD, _LINE),
    "limited_use.DataKey.key_id": (Kind.HASH, "a commitment that names the key"),
    "limited_use.Share.typed_address": (
        Kind.WRAPPED,
        "under a key of the service's secret; emptied when the share ends",
    ),
    "limited_use.DataKey.wrapped": (Kind.WRAPPED, "under the epoch's key in the keyring"),
    "limited_use.KeyEpoch.line": (Kind.WORD, _LINE),
    "limited_use.Leaf.payload": (Kind.PROOF, "an entry of the ledger: pseudonyms, counts, words"),
    "limited_use.Leaf.subject": (Kind.HASH, "the pseudonym that the entry itself says"),
    "limited_use.LedgerKey.commitment": (Kind.HASH, "of the key, which is random"),
    "limited_use.WrappedLedgerKey.wrapped": (Kind.WRAPPED, "under the key epoch's naming key"),
    "limited_use.WrappedLedgerKey.commitment": (Kind.HASH, "of the key, which is random"),
    "limited_use.Tile.hashes": (Kind.PROOF, "hashes of entries"),
    "limited_use.Checkpoint.root": (Kind.PROOF, "the root of the ledger's tree"),
    "limited_use.Checkpoint.note": (Kind.PROOF, "the signed checkpoint, which is public"),
    "limited_use.OwedTombstone.kind": (Kind.WORD, "whether a key or a receipt"),
    "limited_use.OwedTombstone.value": (Kind.HASH, "of a key id; or a receipt's id"),
    "limited_use.ReceiptLink.token_hash": (Kind.HASH, "the link's token, which is random"),
    "limited_use.VerifierKeyPeriod.role": (Kind.WORD, "whether the key signs ledger or receipts"),
    "limited_use.VerifierKeyPeriod.verifier_key": (Kind.PROOF, "a public key"),
    "limited_use.PolicyUse.day": (Kind.TIME, "the day of what was counted"),
    **{
        f"limited_use.{table}.{column}": (Kind.WORD, why)
        for table in ("PolicyUse", "Refusal")
        for column, why in (
            ("rule", "a rule's id"),
            ("feature", _FEATURE),
            ("data_class", "a word of the vocabulary"),
            ("purpose", "a word of the vocabulary"),
            ("recipient", "a word of the vocabulary"),
        )
    },
    "limited_use.HourOfOpens.actor": (
        Kind.WORD,
        "a feature's key, or the ledger's name of a person",
    ),
    "limited_use.HourOfOpens.purpose": (Kind.WORD, "a word of the vocabulary"),
    "limited_use.PolicyUse.latest": (Kind.ID, "entries of the ledger"),
    "limited_use.EvidenceBundle.document": (Kind.PROOF, "a signed bundle: registers and counts"),
    "limited_use.EvidenceBundle.not_met": (Kind.WORD, "ids of clauses"),
    "limited_use.Gauge.name": (Kind.WORD, "a figure's name, from a list in the code"),
    "limited_use.Gauge.labels": (Kind.WORD, "words of closed lists, and keys of features"),
    "limited_use.Receipt.document": (Kind.PROOF, "the receipt its owner has: counts, pseudonyms"),
    "integrations.Heartbeat.duty": (Kind.WORD, "a queue, or beat"),
    "integrations.ParserCount.event": (Kind.WORD, "which event is counted, of a list in the code"),
    "accounts.Alarm.kind": (Kind.WORD, "which alarm"),
    "accounts.Alarm.window": (Kind.WORD, "for which promise, table or day: once each"),
    "accounts.Alarm.body": (Kind.NUMBER, "words of ours and counts"),
    "accounts.Alarm.settled_reason": (Kind.PLATFORM, "an operator's reason for settling it"),
    "accounts.Delegation.feature": (Kind.WORD, _FEATURE),
    "accounts.Organisation.platform_id": (Kind.PLATFORM, "its id on the platform"),
    "accounts.Organisation.name": (Kind.PLATFORM, "what it is called on the platform"),
    "accounts.ServiceClient.client_id": (Kind.PLATFORM, "the client's name for itself"),
    "accounts.ServiceClient.feature": (Kind.WORD, _FEATURE),
    "accounts.ServiceClient.purposes": (Kind.WORD, "purposes of the vocabulary"),
    "accounts.ServiceClient.jwks": (Kind.PLATFORM, "public keys"),
    "accounts.ServiceToken.token_hash": (Kind.HASH, "the token, which is random"),
    "accounts.ServiceToken.purpose": (Kind.WORD, "a purpose of the vocabulary"),
    "accounts.UsedAssertion.jti_hash": (Kind.HASH, "an assertion that was used"),
    "accounts.RateCount.key_hash": (Kind.HASH, "a limit and who is counted, under a key"),
    "accounts.KnownNetwork.network_hash": (Kind.HASH, "a network, under a key, for one person"),
    "accounts.Session.session_key": (Kind.HASH, "what the browser holds"),
    "accounts.Session.session_data": (Kind.PLATFORM, "signed state of a sign-in; of no provider"),
    "accounts.Session.site": (Kind.STATE, "which of the two sites the sign-in is for"),
    "accounts.User.password": (Kind.HASH, "the platform's password, hashed slowly"),
    "accounts.User.platform_id": (Kind.PLATFORM, "the person's id on the platform"),
    "accounts.User.email": (Kind.PLATFORM, "the address that the platform gave"),
    "accounts.User.name": (Kind.PLATFORM, "the name that the platform gave"),
    "account.EmailAddress.email": (Kind.PLATFORM, "the address that the person signs in with"),
    "account.EmailConfirmation.key": (Kind.PLATFORM, "unused: addresses are the platform's"),
    "mfa.Authenticator.data": (Kind.WRAPPED, "second factors; secrets encrypted or hashed"),
    "auth.Group.name": (Kind.PLATFORM, "Django's own; unused"),
    "auth.Permission.name": (Kind.PLATFORM, "Django's own; unused"),
    "auth.Permission.codename": (Kind.PLATFORM, "Django's own; unused"),
    "contenttypes.ContentType.app_label": (Kind.PLATFORM, "Django's own: names of tables"),
    "contenttypes.ContentType.model": (Kind.PLATFORM, "Django's own: names of tables"),
}  # fmt: skip
