"""
Why a column may be in clear. Pure.

A column is listed with its kind and reason, unless its type can hold only an id of ours, a time,
a number, a flag or a word of a closed list.
"""

# ruff: noqa: E501 - a table: one line for each column

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class ColumnKind(StrEnum):
    ID = "id"
    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"
    # One of a closed list in the code.
    STATE = "state"
    WORD = "word"
    # Provider data that a query needs in clear.
    PROVIDER = "provider"
    # Keyed hashes: under the integration's own key, and under the directory key.
    INNER = "inner blind"
    OUTER = "outer blind"
    # A hash of a random value that we made.
    HASH = "hash"
    # Encrypted under a key that is not in the database.
    WRAPPED = "wrapped"
    PROOF = "proof"
    # Data of the platform's own users and clients, not of a provider.
    PLATFORM = "platform"


WHY: Final[Mapping[ColumnKind, str]] = {
    ColumnKind.ID: "an id of ours",
    ColumnKind.TIME: "when we did or saw something",
    ColumnKind.NUMBER: "a count, version or epoch of ours",
    ColumnKind.FLAG: "a yes or no of ours",
    ColumnKind.STATE: "one of a closed list in the code",
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
_AGENT = "what a support agent wrote to the person about the case; shown to the person"
_TICKET = "the number of the case in the ticket system; no address"
_LOOKUP = "finds the row again; dies with the integration's key"

#: Every clear column of tables with sealed columns; for other tables, columns with unclear types.
LISTED: Final[Mapping[str, tuple[ColumnKind, str]]] = {
    "integrations.Calendar.remote_blind": (ColumnKind.INNER, _LOOKUP),
    "integrations.Calendar.role": (ColumnKind.PROVIDER, "decides what is offered: four words"),
    "integrations.Calendar.is_primary": (ColumnKind.PROVIDER, "orders the list"),
    "integrations.Calendar.is_shown": (ColumnKind.FLAG, "what its owner chose to see"),
    "integrations.Calendar.is_local": (ColumnKind.FLAG, "that it lives here"),
    "integrations.Calendar.gone_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.added_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.listed_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.cached_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.cached_from": (ColumnKind.TIME, "what the copy reaches: of our own choosing"),
    "integrations.Calendar.cached_until": (ColumnKind.TIME, "what the copy reaches: of our own choosing"),
    "integrations.Calendar.cleared_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.asked_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.round": (ColumnKind.NUMBER, "counts rounds of listing"),
    "integrations.Calendar.round_began_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.is_compared": (ColumnKind.FLAG, "what the round at hand is for"),
    "integrations.Calendar.compared_at": (ColumnKind.TIME, _AGED),
    "integrations.Calendar.missing_count": (ColumnKind.NUMBER, "how many events a comparison brought"),
    "integrations.Calendar.extra_count": (ColumnKind.NUMBER, "how many events a comparison removed"),
    "integrations.Calendar.unreadable_count": (ColumnKind.NUMBER, "how many events cannot be read"),
    "integrations.Event.kind": (ColumnKind.STATE, "what a row stands for"),
    "integrations.Event.remote_blind": (ColumnKind.INNER, _COPIED),
    "integrations.Event.series_blind": (ColumnKind.INNER, _COPIED),
    "integrations.Event.first_week": (ColumnKind.PROVIDER, _WEEK),
    "integrations.Event.last_week": (ColumnKind.PROVIDER, _WEEK),
    "integrations.Event.is_busy": (ColumnKind.PROVIDER, "a flag: it takes time, or does not"),
    "integrations.Event.is_private": (ColumnKind.PROVIDER, "a flag: shown to nobody else as it is"),
    "integrations.Event.seen_round": (ColumnKind.NUMBER, "which round of listing saw it"),
    "integrations.Event.synced_at": (ColumnKind.TIME, _SPENT),
    "integrations.Event.shown_version": (
        ColumnKind.NUMBER,
        "which version of our code made the description safe",
    ),
    "integrations.PurgeJob.cache_keys": (ColumnKind.ID, "ids of destroyed keys, and whose they were"),
    "integrations.Thread.remote_blind": (ColumnKind.INNER, _LOOKUP),
    "integrations.Thread.first_received_at": (ColumnKind.PROVIDER, _SORTED),
    "integrations.Thread.last_received_at": (ColumnKind.PROVIDER, _SORTED),
    "integrations.Thread.message_count": (ColumnKind.NUMBER, _COUNTED),
    "integrations.Thread.unread_count": (ColumnKind.NUMBER, _COUNTED),
    "integrations.Thread.has_attachments": (ColumnKind.PROVIDER, _FILTERED),
    "integrations.Thread.is_starred": (ColumnKind.PROVIDER, _FILTERED),
    "integrations.Message.remote_blind": (ColumnKind.INNER, _LOOKUP),
    "integrations.Message.rfc822_blind": (ColumnKind.INNER, _LOOKUP),
    "integrations.Message.received_at": (ColumnKind.PROVIDER, _SORTED),
    "integrations.Message.size": (ColumnKind.PROVIDER, _SIZE),
    "integrations.Message.is_unread": (ColumnKind.PROVIDER, _FILTERED),
    "integrations.Message.is_starred": (ColumnKind.PROVIDER, _FILTERED),
    "integrations.Message.has_attachments": (ColumnKind.PROVIDER, _FILTERED),
    "integrations.Message.folders": (
        ColumnKind.PROVIDER,
        "system labels in our words (inbox, sent, …); the user's own labels are sealed",
    ),
    "integrations.Message.seen_round": (ColumnKind.NUMBER, "which round of the snapshot saw it last"),
    "integrations.Message.synced_at": (ColumnKind.TIME, _SPENT),
    "integrations.MessageBody.shown_version": (
        ColumnKind.NUMBER,
        "which version of our code made the text safe",
    ),
    "integrations.Attachment.position": (ColumnKind.NUMBER, "its place in the message"),
    "integrations.Attachment.size": (ColumnKind.PROVIDER, _SIZE),
    "integrations.Attachment.is_inline": (ColumnKind.PROVIDER, "tells pictures from files"),
    "integrations.QuotaBucket.slot_leases": (ColumnKind.TIME, "when requests under way end"),
    "integrations.SetAside.remote_blind": (ColumnKind.INNER, _LOOKUP),
    "integrations.SetAside.reason": (ColumnKind.WORD, "why it was set aside; never the provider's text"),
    "integrations.SetAside.try_count": (ColumnKind.NUMBER, _SPENT),
    "integrations.SetAside.first_seen_at": (ColumnKind.TIME, _SPENT),
    "integrations.SetAside.last_tried_at": (ColumnKind.TIME, _SPENT),
    "integrations.SetAside.next_try_at": (ColumnKind.TIME, "when a delayed message is fetched again"),
    "integrations.StatusChange.status": (ColumnKind.STATE, "a status that the product had; shown"),
    "integrations.StatusChange.reason": (ColumnKind.WORD, "the reason of that status; shown"),
    "integrations.StatusChange.since": (ColumnKind.TIME, "since when it had it"),
    "integrations.SupportCode.code_hash": (ColumnKind.HASH, "finds a code that a person reads out"),
    "integrations.SupportCode.agent_name": (ColumnKind.PLATFORM, "the agent who used it; shown"),
    "integrations.SupportLookup.ticket": (ColumnKind.PLATFORM, _TICKET),
    "integrations.SupportAct.text": (ColumnKind.PLATFORM, _AGENT),
    "integrations.SupportAct.ticket": (ColumnKind.PLATFORM, _TICKET),
    "integrations.SupportAct.effect": (ColumnKind.NUMBER, "counts of what it removes; shown"),
    "integrations.SupportQuestion.text": (ColumnKind.PLATFORM, _AGENT),
    "integrations.SupportQuestion.ticket": (ColumnKind.PLATFORM, _TICKET),
    "integrations.BulkRevocation.provider": (ColumnKind.WORD, "a provider's name of ours"),
    "integrations.BulkRevocation.text": (ColumnKind.PLATFORM, _AGENT),
    "integrations.BulkRevocation.ticket": (ColumnKind.PLATFORM, _TICKET),
    "integrations.BulkRevocation.counts": (ColumnKind.NUMBER, "counts of what it removes; shown"),
    "integrations.SyncWork.resource": (ColumnKind.WORD, "what is synchronised: mail"),
    "integrations.SyncWork.stage": (ColumnKind.STATE, "how far the sync is"),
    "integrations.SyncWork.round": (ColumnKind.NUMBER, "which round of the snapshot runs"),
    "integrations.SyncWork.label_names_blind": (
        ColumnKind.INNER,
        "whether the sealed names of labels changed; dies with the integration's key",
    ),
    "integrations.SyncWork.next_sync_at": (ColumnKind.TIME, "when it is due"),
    "integrations.SyncWork.lease_until": (ColumnKind.TIME, "until when a worker has it"),
    "integrations.SyncWork.heartbeat_at": (ColumnKind.TIME, _SPENT),
    "integrations.SyncWork.failure_count": (ColumnKind.NUMBER, _SPENT),
    "integrations.SyncWork.failing_since": (ColumnKind.TIME, _SPENT),
    "integrations.SyncWork.crash_count": (ColumnKind.NUMBER, _SPENT),
    "integrations.SyncWork.denial_count": (ColumnKind.NUMBER, _SPENT),
    "integrations.SyncWork.pause_reason": (ColumnKind.WORD, "why the sync waits; shown"),
    "integrations.SyncWork.expected_count": (ColumnKind.PROVIDER, "the provider's estimate; shown"),
    "integrations.SyncWork.done_count": (ColumnKind.NUMBER, _COUNTED),
    "integrations.SyncWork.mime_count": (ColumnKind.NUMBER, _COUNTED),
    "integrations.SyncWork.units_spent": (ColumnKind.NUMBER, "quota units spent"),
    "integrations.SyncWork.first_synced_at": (ColumnKind.TIME, _SPENT),
    "integrations.SyncWork.last_synced_at": (ColumnKind.TIME, _SPENT),
    "integrations.SyncWork.last_event_at": (ColumnKind.TIME, _SPENT),
    "integrations.SyncWork.reconcile_at": (ColumnKind.TIME, "when it is compared again"),
    "integrations.SyncWork.looked_at": (ColumnKind.TIME, "when it was last looked at; not by whom"),
    "integrations.Watch.resource": (ColumnKind.WORD, "what is watched: a word of ours, or an id"),
    "integrations.Watch.kind": (ColumnKind.STATE, "in which way the provider tells"),
    "integrations.Watch.status": (ColumnKind.STATE, "how far the watch is"),
    "integrations.Watch.lookup_blind": (
        ColumnKind.OUTER,
        "finds the watch that a notification is about; emptied with the integration",
    ),
    "integrations.Watch.resource_blind": (
        ColumnKind.OUTER,
        "whether a channel calls about what it was opened for; emptied with the integration",
    ),
    "integrations.Watch.wanted_at": (ColumnKind.TIME, "since when it is wanted"),
    "integrations.Watch.started_at": (ColumnKind.TIME, "since when the provider tells"),
    "integrations.Watch.expires_at": (ColumnKind.PROVIDER, "when it has to be renewed"),
    "integrations.Watch.due_at": (ColumnKind.TIME, "when there is something to do about it"),
    "integrations.Watch.failure_count": (ColumnKind.NUMBER, "how often that went wrong"),
    "integrations.Watch.rejected_count": (ColumnKind.NUMBER, "how often our address was rejected"),
    "integrations.Watch.lease_until": (ColumnKind.TIME, "until when a worker has it"),
    "integrations.Watch.last_event_at": (ColumnKind.TIME, "when the provider last told of news; shown"),
    "integrations.Watch.silent_since": (ColumnKind.TIME, "since when it does not; shown"),
    "integrations.Connection.provider": (ColumnKind.WORD, _PROVIDER_KEY),
    "integrations.Connection.account_blind": (
        ColumnKind.OUTER,
        "whether this account is connected already; emptied by the purge of the last integration",
    ),
    "integrations.Connection.status": (ColumnKind.STATE, "how the connection stands"),
    "integrations.Connection.epoch": (ColumnKind.NUMBER, "its fence"),
    "integrations.Connection.access_expires_at": (ColumnKind.PROVIDER, "when the token needs a refresh"),
    "integrations.Connection.grant_generation": (ColumnKind.NUMBER, "counts refreshes"),
    "integrations.Connection.refresh_lease_until": (ColumnKind.TIME, "until when a refresh may take"),
    "integrations.Connection.refresh_beyond": (ColumnKind.NUMBER, "which token was refused"),
    "integrations.Connection.refresh_failed_at": (ColumnKind.TIME, "when a refresh failed"),
    "integrations.Connection.asked_scopes": (ColumnKind.PROVIDER, "names of permissions; emptied too"),
    "integrations.Connection.granted_scopes": (ColumnKind.PROVIDER, "names of permissions; emptied too"),
    "integrations.Connection.connected_at": (ColumnKind.TIME, "since when"),
    "integrations.Connection.reauth_since": (ColumnKind.TIME, "since when the grant is gone"),
    "integrations.Connection.ending_since": (ColumnKind.TIME, "since when it is being ended"),
    "integrations.Connection.revocation": (ColumnKind.STATE, "what became of the grant"),
    "integrations.Connection.revocation_tried_at": (ColumnKind.TIME, "when the provider was told"),
    "integrations.Connection.revocation_try_count": (ColumnKind.NUMBER, "how often it was told"),
    "integrations.Connection.revoking_until": (ColumnKind.TIME, "until when a revocation may arrive"),
    "integrations.Connection.ended_at": (ColumnKind.TIME, "when it ended"),
    "integrations.ConnectAttempt.provider": (ColumnKind.WORD, _PROVIDER_KEY),
    "integrations.ConnectAttempt.product": (ColumnKind.WORD, _PRODUCT),
    "integrations.ConnectAttempt.state_hash": (ColumnKind.HASH, "the state, which is random"),
    "integrations.ConnectAttempt.session_hash": (ColumnKind.HASH, "the browser's session"),
    "integrations.ConnectAttempt.asked_scopes": (ColumnKind.WORD, "names of permissions we asked for"),
    "integrations.ConnectAttempt.feature_versions": (ColumnKind.NUMBER, "versions by feature key"),
    "integrations.Approval.provider": (ColumnKind.WORD, _PROVIDER_KEY),
    "integrations.Approval.product": (ColumnKind.WORD, _PRODUCT),
    "integrations.Approval.state_hash": (ColumnKind.HASH, "the state of the link, which is random"),
    "integrations.Reply.key_blind": (
        ColumnKind.OUTER,
        "whether the same was sent before; emptied with the integration, or after a day",
    ),
    "integrations.Reply.body_blind": (
        ColumnKind.OUTER,
        "whether it asks for the same; emptied with the integration, or after a day",
    ),
    "integrations.Discard.provider": (ColumnKind.WORD, _PROVIDER_KEY),
    "integrations.Connection.address_blind": (
        ColumnKind.OUTER,
        "finds an account by an exact address; emptied by the purge of the last integration",
    ),
    "integrations.Discard.account_blind": (
        ColumnKind.OUTER,
        "which account's grant is being revoked; gone with the answer, or a minute",
    ),
    "integrations.Discard.revoking_until": (ColumnKind.TIME, "until when a revocation may arrive"),
    "integrations.Integration.product": (ColumnKind.WORD, _PRODUCT),
    "integrations.PurgeJob.content_key_id": (ColumnKind.HASH, "names a destroyed key, and is none"),
    "integrations.PurgeJob.credential_key_id": (ColumnKind.HASH, "names a destroyed key, and is none"),
    "integrations.PurgeJob.account_key_id": (ColumnKind.HASH, "names a destroyed key, and is none"),
    "integrations.PurgeJob.counts_before": (ColumnKind.NUMBER, "rows by table"),
    "integrations.PurgeJob.counts_left": (ColumnKind.NUMBER, "rows by table"),
    "integrations.PurgeJob.watch_stop": (ColumnKind.WORD, "how stopping the watches went"),
    "integrations.PurgeJob.watch_counts": (ColumnKind.NUMBER, "how many watches came to which end"),
    "integrations.PurgeJob.entry_ids": (ColumnKind.ID, "entries of the ledger"),
    "limited_use.Consent.feature": (ColumnKind.WORD, _FEATURE),
    "limited_use.Consent.purpose": (ColumnKind.WORD, "a word of the vocabulary, or blank"),
    "limited_use.Consent.recipient": (ColumnKind.WORD, "a word of the vocabulary, or blank"),
    "limited_use.DataKey.line": (ColumnKind.WORD, _LINE),
    "limited_use.DataKey.key_id": (ColumnKind.HASH, "a commitment that names the key"),
    "limited_use.Share.typed_address": (
        ColumnKind.WRAPPED,
        "under a key of the service's secret; emptied when the share ends",
    ),
    "limited_use.DataKey.wrapped": (ColumnKind.WRAPPED, "under the epoch's key in the keyring"),
    "limited_use.KeyEpoch.line": (ColumnKind.WORD, _LINE),
    "limited_use.Leaf.payload": (ColumnKind.PROOF, "an entry of the ledger: pseudonyms, counts, words"),
    "limited_use.Leaf.subject": (ColumnKind.HASH, "the pseudonym that the entry itself says"),
    "limited_use.LedgerKey.commitment": (ColumnKind.HASH, "of the key, which is random"),
    "limited_use.WrappedLedgerKey.wrapped": (ColumnKind.WRAPPED, "under the key epoch's naming key"),
    "limited_use.WrappedLedgerKey.commitment": (ColumnKind.HASH, "of the key, which is random"),
    "limited_use.Tile.hashes": (ColumnKind.PROOF, "hashes of entries"),
    "limited_use.Checkpoint.root": (ColumnKind.PROOF, "the root of the ledger's tree"),
    "limited_use.Checkpoint.note": (ColumnKind.PROOF, "the signed checkpoint, which is public"),
    "limited_use.OwedTombstone.kind": (ColumnKind.WORD, "whether a key or a receipt"),
    "limited_use.OwedTombstone.value": (ColumnKind.HASH, "of a key id; or a receipt's id"),
    "limited_use.ReceiptLink.token_hash": (ColumnKind.HASH, "the link's token, which is random"),
    "limited_use.VerifierKeyPeriod.role": (ColumnKind.WORD, "whether the key signs ledger or receipts"),
    "limited_use.VerifierKeyPeriod.verifier_key": (ColumnKind.PROOF, "a public key"),
    "limited_use.PolicyUse.day": (ColumnKind.TIME, "the day of what was counted"),
    **{
        f"limited_use.{table}.{column}": (ColumnKind.WORD, why)
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
        ColumnKind.WORD,
        "a feature's key, or the ledger's name of a person",
    ),
    "limited_use.HourOfOpens.purpose": (ColumnKind.WORD, "a word of the vocabulary"),
    "limited_use.PolicyUse.latest": (ColumnKind.ID, "entries of the ledger"),
    "limited_use.EvidenceBundle.document": (ColumnKind.PROOF, "a signed bundle: registers and counts"),
    "limited_use.EvidenceBundle.not_met": (ColumnKind.WORD, "ids of clauses"),
    "limited_use.Gauge.name": (ColumnKind.WORD, "a figure's name, from a list in the code"),
    "limited_use.Gauge.labels": (ColumnKind.WORD, "words of closed lists, and keys of features"),
    "limited_use.Receipt.document": (ColumnKind.PROOF, "the receipt its owner has: counts, pseudonyms"),
    "integrations.OutboxCommand.kind": (ColumnKind.STATE, "whether it is mail or a notification"),
    "integrations.OutboxCommand.state": (ColumnKind.STATE, "how far it is; shown"),
    "integrations.OutboxCommand.problem": (ColumnKind.STATE, "why it was not sent; shown"),
    "integrations.OutboxCommand.recipient_count": (ColumnKind.NUMBER, "to how many; shown, and counted for the bounds"),
    "integrations.OutboxCommand.file_count": (ColumnKind.NUMBER, "how many files; shown"),
    "integrations.OutboxCommand.notice_kind": (ColumnKind.WORD, "a kind of notification, of a list in the code"),
    "integrations.OutboxCommand.proposed_by": (ColumnKind.WORD, "a key of the feature registry"),
    "integrations.OutboxCommand.created_at": (ColumnKind.TIME, "when the owner sent it; shown"),
    "integrations.OutboxCommand.changed_at": (ColumnKind.TIME, "when its state changed; shown"),
    "integrations.OutboxCommand.undo_until": (ColumnKind.TIME, "until when the owner may undo"),
    "integrations.OutboxCommand.due_at": (ColumnKind.TIME, "when a worker acts"),
    "integrations.OutboxCommand.lease_until": (ColumnKind.TIME, "until when a worker has it"),
    "integrations.OutboxCommand.claim_number": (ColumnKind.NUMBER, "counts workers"),
    "integrations.OutboxCommand.crash_count": (ColumnKind.NUMBER, "counts crashes"),
    "integrations.OutboxCommand.failing_since": (ColumnKind.TIME, "since when the provider does not answer"),
    "integrations.OutboxCommand.sending_at": (ColumnKind.TIME, "when the provider was asked to send"),
    "integrations.OutboxCommand.unsent_look_at": (ColumnKind.TIME, "when it was first seen not to be sent"),
    "integrations.OutboxCommand.sent_at": (ColumnKind.TIME, "when it was seen in the sent mail; shown"),
    "integrations.OutboxCommand.bounced_at": (ColumnKind.TIME, "when it came back; shown"),
    "integrations.OutboxCommand.rfc822_blind": (ColumnKind.INNER, "finds the message that came back; dies with the key"),
    "integrations.Upload.size": (ColumnKind.NUMBER, "bounds what is stored; shown"),
    "integrations.Upload.received": (ColumnKind.NUMBER, "how much arrived; shown"),
    "integrations.Upload.created_at": (ColumnKind.TIME, "when it began"),
    "integrations.Upload.expires_at": (ColumnKind.TIME, "when it is deleted"),
    "integrations.Upload.lease_until": (ColumnKind.TIME, "until when a request writes to it"),
    "integrations.UploadChunk.offset": (ColumnKind.NUMBER, "orders the pieces"),
    "integrations.UploadChunk.size": (ColumnKind.NUMBER, "bounds what is read"),
    "integrations.DeliveryReport.rfc822_blind": (ColumnKind.INNER, _LOOKUP),
    "integrations.DraftProposal.feature": (ColumnKind.WORD, "a key of the feature registry"),
    "integrations.DraftProposal.template_blind": (ColumnKind.OUTER, "counts who receives the same text"),
    "integrations.DraftProposal.recipient_count": (ColumnKind.NUMBER, "to how many; shown"),
    "integrations.DraftProposal.created_at": (ColumnKind.TIME, "when it was proposed; shown"),
    "integrations.DraftProposal.expires_at": (ColumnKind.TIME, "when it is deleted"),
    "integrations.DraftProposal.opened_at": (ColumnKind.TIME, "when the owner opened it"),
    "integrations.SendingSettings.undo_seconds": (ColumnKind.NUMBER, "how long the owner may undo"),
    "integrations.OwnerNotice.message": (ColumnKind.WORD, "which message, of a list in the code"),
    "integrations.OwnerNotice.provider": (ColumnKind.WORD, _PROVIDER_KEY),
    "integrations.OwnerNotice.product": (ColumnKind.WORD, _PRODUCT),
    "integrations.OwnerNotice.reason": (ColumnKind.WORD, "why support acted, of a list in the code"),
    "integrations.NoticePreference.kind": (ColumnKind.WORD, "a kind of notice, of a list in the code"),
    "integrations.Heartbeat.duty": (ColumnKind.WORD, "a queue, or beat"),
    "integrations.ParserCount.event": (ColumnKind.WORD, "which event is counted, of a list in the code"),
    "accounts.Alarm.kind": (ColumnKind.WORD, "which alarm"),
    "accounts.Alarm.window": (ColumnKind.WORD, "for which promise, table or day: once each"),
    "accounts.Alarm.body": (ColumnKind.NUMBER, "words of ours and counts"),
    "accounts.Alarm.settled_reason": (ColumnKind.PLATFORM, "an operator's reason for settling it"),
    "accounts.Delegation.feature": (ColumnKind.WORD, _FEATURE),
    "accounts.Organisation.platform_id": (ColumnKind.PLATFORM, "its id on the platform"),
    "accounts.Organisation.name": (ColumnKind.PLATFORM, "what it is called on the platform"),
    "accounts.ServiceClient.client_id": (ColumnKind.PLATFORM, "the client's name for itself"),
    "accounts.ServiceClient.feature": (ColumnKind.WORD, _FEATURE),
    "accounts.ServiceClient.purposes": (ColumnKind.WORD, "purposes of the vocabulary"),
    "accounts.ServiceClient.jwks": (ColumnKind.PLATFORM, "public keys"),
    "accounts.ServiceToken.token_hash": (ColumnKind.HASH, "the token, which is random"),
    "accounts.ServiceToken.purpose": (ColumnKind.WORD, "a purpose of the vocabulary"),
    "accounts.UsedAssertion.jti_hash": (ColumnKind.HASH, "an assertion that was used"),
    "accounts.RateCount.key_hash": (ColumnKind.HASH, "a limit and who is counted, under a key"),
    "accounts.KnownNetwork.network_hash": (ColumnKind.HASH, "a network, under a key, for one person"),
    "accounts.Session.session_key": (ColumnKind.HASH, "what the browser holds"),
    "accounts.Session.session_data": (ColumnKind.PLATFORM, "signed state of a sign-in; of no provider"),
    "accounts.Session.site": (ColumnKind.STATE, "which of the two sites the sign-in is for"),
    "accounts.User.password": (ColumnKind.HASH, "the platform's password, hashed slowly"),
    "accounts.User.platform_id": (ColumnKind.PLATFORM, "the person's id on the platform"),
    "accounts.User.time_zone": (ColumnKind.PLATFORM, "the zone in which the person reads times"),
    "accounts.User.date_format": (ColumnKind.PLATFORM, "the format in which the person reads dates"),
    "accounts.User.email": (ColumnKind.PLATFORM, "the address that the platform gave"),
    "accounts.User.name": (ColumnKind.PLATFORM, "the name that the platform gave"),
    "account.EmailAddress.email": (ColumnKind.PLATFORM, "the address that the person signs in with"),
    "account.EmailConfirmation.key": (ColumnKind.PLATFORM, "unused: addresses are the platform's"),
    "mfa.Authenticator.data": (ColumnKind.WRAPPED, "second factors; secrets encrypted or hashed"),
    "auth.Group.name": (ColumnKind.PLATFORM, "Django's own; unused"),
    "auth.Permission.name": (ColumnKind.PLATFORM, "Django's own; unused"),
    "auth.Permission.codename": (ColumnKind.PLATFORM, "Django's own; unused"),
    "contenttypes.ContentType.app_label": (ColumnKind.PLATFORM, "Django's own: names of tables"),
    "contenttypes.ContentType.model": (ColumnKind.PLATFORM, "Django's own: names of tables"),
}  # fmt: skip
