"""
The privileges of each process class on each table, on one page.

A table without an entry fails a test; a class without letters has no privilege. The letters are
PostgreSQL's: r SELECT, a INSERT, w UPDATE (also to lock a row), d DELETE. No class may TRUNCATE.
The console reads only columns in clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from config.process_classes import ProcessClass

PRIVILEGES: Final = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE"}


@dataclass(frozen=True, slots=True)
class TableGrants:
    """
    The privileges on one table.

    :param why: the content, and the reason why each class needs it
    :param columns: the only columns that a class may read or write, by class and letter
    :param whole: the console also reads columns that are not in clear, because none is personal
    """

    why: str
    web: str = ""
    staff: str = ""
    sync: str = ""
    purge: str = ""
    console: str = ""
    columns: Mapping[tuple[ProcessClass, str], tuple[str, ...]] = field(default_factory=dict)
    whole: bool = False

    def get_letters(self, process_class: ProcessClass) -> str:
        letters: str = getattr(self, process_class.value)
        return letters

    def is_used_by(self, process_class: ProcessClass) -> bool:
        """Return whether a class has a privilege on the table or on some columns."""
        limited = any(limited_class is process_class for limited_class, _ in self.columns)
        return bool(self.get_letters(process_class)) or limited


_WEB, _STAFF = ProcessClass.WEB, ProcessClass.STAFF
_SYNC, _PURGE = ProcessClass.SYNC, ProcessClass.PURGE
_UNUSED: Final = TableGrants("Django's own, not used: roles are in the code")

#: The privileges of the vault's functions, for every caller.
VAULT: Final[Mapping[str, str]] = {
    "limited_use.DataKey": "rawd",
    "limited_use.KeyEpoch": "raw",
    "limited_use.WrappedLedgerKey": "rawd",
}

#: The columns with which the vault's functions find the owner of a key.
VAULT_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "integrations.Connection": ("id", "grant_id", "user_id"),
    "integrations.Integration": ("id", "connection_id"),
    "integrations.Calendar": ("id", "cache_id", "user_id", "organisation_id"),
    "limited_use.Share": ("item", "viewer_id", "organisation_id", "withdrawn_at", "expires_at"),
    # Data that owners opened to support, and the people who are support.
    "limited_use.Consent": (
        "owner_id", "organisation_id", "feature", "item", "reader_id", "withdrawn_at",
        "expires_at",
    ),
    "integrations.Message": ("id", "user_id", "organisation_id", "integration_id"),
    "integrations.Event": ("id", "user_id", "organisation_id", "calendar_id"),
    "accounts.User": ("id", "role", "is_active"),
}  # fmt: skip

#: The privileges of the counting functions, for every caller.
COUNTER: Final[Mapping[str, str]] = {
    "accounts.RateCount": "raw",
    "accounts.ClientHour": "raw",
    "accounts.Alarm": "raw",
}

#: The privileges of the functions that find people for support (`integrations.support.lookups`).
#: Others show staff the receipts of a bulk revocation (`integrations.support.bulk_receipts`).
FINDER: Final[Mapping[str, str]] = {
    "integrations.SupportCode": "rw",
    "integrations.SupportLookup": "ra",
}

#: The columns that these functions read in the rows of all people.
FINDER_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts.User": ("id", "email", "name", "platform_id", "role", "is_active"),
    "account.EmailAddress": ("user_id", "email", "verified"),
    "limited_use.Receipt": ("id", "owner_id"),
    "limited_use.Share": ("item", "withdrawn_at", "expires_at"),
    "integrations.Connection": ("id", "user_id", "organisation_id", "address_blind"),
    "integrations.Integration": ("id", "connection_id", "product"),
    "integrations.Message": ("integration_id",),
    "integrations.Calendar": ("id", "integration_id"),
    "integrations.Event": ("calendar_id",),
    "integrations.OutboxCommand": ("integration_id", "kind", "state"),
    "integrations.DriveFile": ("integration_id",),
    "integrations.SetAside": ("integration_id",),
    "integrations.BulkRevocation": ("id", "agent_id", "decided_by", "stopped_by"),
    "integrations.SupportAct": ("id", "bulk_id"),
    "integrations.PurgeJob": ("integration_id", "support_act_id", "receipt_id", "done_at"),
}

#: The columns that `accounts.people`, `accounts.caller_lookup`,
#: `integrations.access.cross_user_lookups` and others read in the rows of all people, for every
#: caller.
LOOKUP: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts.User": (
        "id", "platform_id", "email", "name", "password", "last_login", "role", "is_active",
        "last_seen_at", "time_zone", "date_format",
    ),
    "accounts.Organisation": ("id", "platform_id", "name", "closed_at"),
    "accounts.Membership": ("id", "user_id", "organisation_id", "epoch", "joined_at", "left_at"),
    "accounts.Session": ("session_key", "session_data", "expire_date", "user_id", "site"),
    "accounts.ServiceClient": (
        "id", "client_id", "feature", "users_per_minute", "usual_requests_per_hour",
        "removals_due_at", "retired_at",
    ),
    "accounts.ServiceToken": (
        "id", "token_hash", "client_id", "delegation_id", "delegation_epoch", "purpose",
        "expires_at",
    ),
    "accounts.UserMinute": ("client_id", "user_id", "minute_at"),
    "accounts.Delegation": (
        "id", "user_id", "organisation_id", "feature", "feature_version", "epoch",
        "switched_on_at", "switched_off_at",
    ),
    "account.EmailAddress": ("user_id", "email", "verified"),
    "mfa.Authenticator": ("id", "user_id", "type", "data"),
    "limited_use.Share": ("owner_id", "viewer_id", "organisation_id", "withdrawn_at"),
    "limited_use.Receipt": ("subject_id", "owner_id"),
    "limited_use.ReceiptLink": ("token_hash", "subject_id"),
    "integrations.Connection": (
        "id", "user_id", "organisation_id", "provider", "account_blind", "status", "revoking_until",
        "ended_at",
    ),
    "integrations.Integration": ("id", "connection_id"),
    "integrations.Calendar": ("id", "user_id"),
    "integrations.Discard": ("provider", "account_blind", "revoking_until"),
    "integrations.Watch": ("connection_id", "kind", "lookup_blind"),
    "integrations.Approval": ("user_id", "organisation_id", "state_hash"),
}  # fmt: skip

#: By model, or by table if there is no model.
GRANTS: Final[Mapping[str, TableGrants]] = {
    # --- Django's own -----------------------------------------------------------------------
    "auth.Permission": _UNUSED,
    "auth.Group": _UNUSED,
    "auth.Group_permissions": _UNUSED,
    "contenttypes.ContentType": _UNUSED,
    "django_migrations": TableGrants(
        "what was migrated; both sites say whether it is ready", web="r", staff="r"
    ),
    # --- accounts ---------------------------------------------------------------------------
    "accounts.User": TableGrants(
        "people: both sites read the row of the person; web writes password, times, time zone and"
        " date format, staff times alone; sync reads whether people are active, or support, and how"
        " to show times; purge also where to write to, and who has a link to the site of staff; no"
        " other class reads passwords",
        web="r",
        staff="r",
        columns={
            (_WEB, "w"): ("password", "last_login", "last_seen_at", "time_zone", "date_format"),
            (_STAFF, "w"): ("last_login", "last_seen_at"),
            (_SYNC, "r"): ("id", "role", "is_active", "last_seen_at", "time_zone", "date_format"),
            (_PURGE, "r"): (
                "id",
                "email",
                "role",
                "is_active",
                "last_seen_at",
                "time_zone",
                "date_format",
            ),
        },
    ),
    "accounts.Organisation": TableGrants(
        "names of organisations", web="r", staff="r", sync="r", purge="r", console="r"
    ),
    "accounts.Membership": TableGrants(
        "who belongs where; web locks a row while it stores a grant, and cannot change whose it is",
        web="r",
        staff="r",
        sync="r",
        purge="r",
        columns={(_WEB, "w"): ("joined_at",)},
    ),
    "accounts.Session": TableGrants(
        "sign-ins; purge deletes expired ones", web="rawd", staff="rawd", purge="rd"
    ),
    "accounts.RateCount": TableGrants(
        "counters of rate limits: web counts through functions alone; purge deletes expired ones,"
        " and locks them first",
        purge="rd",
        columns={(_PURGE, "w"): ("expires_at",)},
    ),
    "accounts.KnownNetwork": TableGrants(
        "hashes of networks that people signed in from; purge deletes expired ones",
        web="rawd",
        staff="raw",
        purge="rd",
    ),
    "accounts.ServiceClient": TableGrants(
        "platform features as callers; web locks a row while it gives out a token, and cannot"
        " give it a purpose; whoever issues a removal notes when it is due; purge computes their"
        " usual volume, registers and retires clients, and changes keys and redirect URIs",
        web="r",
        staff="r",
        sync="r",
        purge="ra",
        console="r",
        columns={
            (_WEB, "w"): ("users_per_minute", "removals_due_at"),
            (_SYNC, "w"): ("removals_due_at",),
            (_PURGE, "w"): (
                *("removals_due_at", "usual_requests_per_hour"),
                *("jwks", "redirect_uris", "retired_at"),
            ),
        },
    ),
    "accounts.ServiceClientChange": TableGrants(
        "changes of clients: two operators propose and approve one at the staff site, which seals"
        " it; purge checks both seals and applies it",
        staff="ra",
        purge="r",
        columns={
            (_STAFF, "w"): ("approved_by", "approved_at", "approval_seal"),
            (_PURGE, "w"): ("settled_at", "refusal", "notified_at", "client_id"),
        },
    ),
    "accounts.ServiceToken": TableGrants(
        "hashes of tokens; expired ones go, and those of a client that an operator retires",
        web="rawd",
        purge="rd",
        columns={(_STAFF, "r"): ("client_id", "expires_at")},
    ),
    "accounts.AuthorizationCode": TableGrants(
        "hashes of codes that people bring to clients; expired ones go", web="raw", purge="rd"
    ),
    "accounts.UsedAssertion": TableGrants("assertions that were seen", web="ra", purge="rd"),
    "accounts.UserMinute": TableGrants("counts per client and minute", web="ra", purge="rd"),
    "accounts.ClientHour": TableGrants(
        "requests per client and hour: web counts through a function alone, staff look, purge"
        " computes what is usual, and deletes old ones",
        staff="r",
        purge="rd",
    ),
    "accounts.Delegation": TableGrants(
        "features that people switched on: web adds the person's own and ends live ones; workers"
        " and staff compare its epoch",
        web="ra",
        staff="r",
        sync="r",
        purge="r",
        columns={(_WEB, "w"): ("epoch", "switched_off_at")},
    ),
    "accounts.Alarm": TableGrants(
        "alarms: every class but the console raises them by a function; operators settle them on"
        " the staff site, or by a command that runs as purge, and neither can change anything else",
        web="r",
        staff="r",
        sync="r",
        purge="r",
        console="r",
        columns={
            (_STAFF, "w"): ("settled_at", "settled_reason", "settled_by"),
            (_PURGE, "w"): ("settled_at", "settled_reason", "settled_by"),
        },
    ),
    "account.EmailAddress": TableGrants(
        "sign-in addresses: those of the person alone", web="r", staff="r"
    ),
    "account.EmailConfirmation": TableGrants("allauth's, not in use", web="rad"),
    "mfa.Authenticator": TableGrants(
        "second factors: those of the person alone; web changes none of staff, and staff keep the"
        " newest; purge looks whether an operator has one",
        web="rawd",
        staff="rawd",
        columns={(_PURGE, "r"): ("id", "user_id", "type")},
    ),
    # --- limited_use ------------------------------------------------------------------------
    "limited_use.Share": TableGrants(
        "with whom people share a calendar; a purge ends it", web="raw", purge="rw"
    ),
    "limited_use.Consent": TableGrants(
        "what people agreed to; a purge ends it; staff see what is open to support",
        web="raw",
        staff="r",
        sync="r",
        purge="rw",
    ),
    "limited_use.DataKey": TableGrants("wrapped keys: through the vault's functions alone"),
    "limited_use.KeyEpoch": TableGrants(
        "since when which key-encryption keys are there: read for receipts, written through the"
        " vault's functions alone",
        web="r",
        sync="r",
        purge="r",
        console="r",
    ),
    "limited_use.Leaf": TableGrants(
        "the ledger: everybody adds, nobody changes or deletes; the sequencer gives places, or says"
        " why a row has none",
        web="ra",
        staff="ra",
        sync="ra",
        purge="ra",
        console="r",
        columns={(_PURGE, "w"): ("idx", "fault")},
        whole=True,
    ),
    "limited_use.Tile": TableGrants(
        "hashes of the ledger", web="r", staff="r", purge="raw", console="r", whole=True
    ),
    "limited_use.Checkpoint": TableGrants(
        "signed sizes of the ledger", web="r", staff="r", purge="raw", console="r", whole=True
    ),
    "limited_use.VerifierKeyPeriod": TableGrants(
        "public keys", web="r", staff="r", purge="raw", console="r", whole=True
    ),
    "limited_use.OwedTombstone": TableGrants(
        "hashes of what died; whoever destroys a key owes one", web="ra", sync="ra", purge="raw"
    ),
    "limited_use.Receipt": TableGrants(
        "signed proofs of purges; staff see that they exist, not what they say",
        web="r",
        purge="ra",
        columns={(_STAFF, "r"): ("id", "subject_id", "part", "owner_id", "created_at")},
    ),
    "limited_use.ReceiptLink": TableGrants("hashes of links to receipts", web="rad", purge="rad"),
    "limited_use.PolicyUse": TableGrants(
        "how often each rule was applied: for reviewers and metrics", staff="r", purge="raw"
    ),
    "limited_use.Refusal": TableGrants(
        "refusals of the last weeks, for reviewers", staff="r", purge="rad"
    ),
    "limited_use.Tally": TableGrants("how far the counting got", purge="raw"),
    "limited_use.HourOfOpens": TableGrants(
        "how much each actor opened in an hour, for ninety days", purge="rawd"
    ),
    "limited_use.Gauge": TableGrants("figures of the service as a whole", staff="r", purge="rawd"),
    "limited_use.EvidenceBundle": TableGrants(
        "signed bundles for reviewers", staff="r", purge="rad"
    ),
    "limited_use.LedgerKey": TableGrants(
        "what becomes of the keys that the ledger names by, without the keys; a connect makes one,"
        " its owner or the purge ends it",
        web="raw",
        staff="r",
        sync="r",
        purge="raw",
    ),
    "limited_use.WrappedLedgerKey": TableGrants("those keys: through the vault's functions alone"),
    # --- integrations -----------------------------------------------------------------------
    "integrations.Connection": TableGrants(
        "grants: sealed tokens, status, lease; staff read the owner, states and scopes",
        web="raw",
        sync="rw",
        purge="rw",
        console="r",
        columns={
            (_STAFF, "r"): (
                *("id", "user_id", "organisation_id", "provider", "status", "asked_scopes"),
                *("granted_scopes", "connected_at", "reauth_since", "ending_since", "revocation"),
                *("revocation_tried_at", "revocation_try_count", "ended_at"),
            )
        },
    ),
    "integrations.Integration": TableGrants(
        "products that are switched on", web="raw", staff="r", sync="rw", purge="rw", console="r"
    ),
    "integrations.ConnectAttempt": TableGrants("connects in progress", web="raw", purge="rwd"),
    "integrations.Approval": TableGrants(
        "what people's administrators were asked: web asks, hears and settles; purge forgets;"
        " staff see the state",
        web="rawd",
        purge="rd",
        columns={
            (_STAFF, "r"): (
                *("id", "user_id", "organisation_id", "provider", "product", "connection_id"),
                *("state", "asked_at", "answered_at", "expires_at"),
            )
        },
    ),
    "integrations.Discard": TableGrants(
        "revocations of grants that were not kept", web="rad", sync="rad", purge="rad"
    ),
    "integrations.Thread": TableGrants("counts of threads", web="r", sync="rawd", purge="rawd"),
    "integrations.Calendar": TableGrants(
        "calendars: web says what is shown, and ends copies; sync brings them in; purge removes;"
        " staff read the age and the key's holder of an opened event's calendar, and see how old"
        " copies of people are whom an agent found",
        web="rawd",
        sync="raw",
        purge="rwd",
        columns={
            (_STAFF, "r"): (
                *("id", "integration_id", "user_id", "organisation_id", "cache_id", "is_local"),
                *("gone_at", "cached_at", "cleared_at", "unreadable_count"),
            ),
        },
    ),
    "integrations.Event": TableGrants(
        "events of a copy, sealed: web writes what its owner writes, and deletes a copy at once;"
        " staff read no provider's ids",
        web="rawd",
        sync="rawd",
        purge="rd",
        columns={
            (_STAFF, "r"): (
                "id",
                "calendar_id",
                "user_id",
                "organisation_id",
                "cache_id",
                "kind",
                "is_busy",
                "is_private",
                "timing",
                "content",
            ),
        },
    ),
    "integrations.Message": TableGrants(
        "sealed metadata of mail; the console counts", web="r", staff="r", sync="rawd", purge="rd"
    ),
    "integrations.MessageBody": TableGrants(
        "sealed bodies; web stores again what is shown, where an older version made it",
        web="r",
        staff="r",
        sync="rawd",
        purge="rd",
        columns={(_WEB, "w"): ("shown", "shown_version")},
    ),
    "integrations.Attachment": TableGrants("sealed descriptors", web="r", sync="rawd", purge="rd"),
    "integrations.OutboxCommand": TableGrants(
        "messages on their way: web stores and undoes them, sync sends them, purge removes them,"
        " and stores notices",
        web="rawd",
        sync="rw",
        purge="rawd",
        console="r",
    ),
    "integrations.Upload": TableGrants(
        "files on their way, without their bytes", web="rawd", sync="rawd", purge="rd"
    ),
    "integrations.UploadChunk": TableGrants(
        "sealed bytes of these files", web="rad", sync="rad", purge="rd"
    ),
    "integrations.DriveFile": TableGrants(
        "files on their way into a Drive, and those that Antares put there",
        web="rawd",
        sync="rawd",
        purge="rawd",
        console="r",
    ),
    "integrations.DriveFolder": TableGrants(
        "the folder that uploads go to", web="rawd", sync="rawd", purge="rd"
    ),
    "integrations.FolderRequest": TableGrants(
        "that an owner is choosing a folder", web="rad", purge="rd"
    ),
    "integrations.StandingConsent": TableGrants(
        "bounds within which a feature may save files", web="raw", sync="raw", purge="rawd"
    ),
    "integrations.DeliveryReport": TableGrants(
        "that a message came back, until the message is seen as sent", sync="rad", purge="rd"
    ),
    "integrations.DraftProposal": TableGrants(
        "drafts that features proposed to their owners, sealed", web="rawd", purge="rd"
    ),
    "integrations.SendingSettings": TableGrants(
        "the time to undo, and a sealed signature", web="raw", sync="r", purge="rd"
    ),
    "integrations.OutgoingCount": TableGrants(
        "that people sent something, for the bounds of a day", web="ra", purge="rd"
    ),
    "integrations.Export": TableGrants(
        "copies that owners asked for: what a download has to show; sync writes those for a Drive",
        web="raw",
        sync="rw",
        purge="rd",
    ),
    "integrations.FeatureRead": TableGrants(
        "which features received data of an integration, and when: web notes it, whoever ends the"
        " integration reads it, purge deletes it",
        web="raw",
        sync="r",
        purge="rd",
    ),
    "integrations.FeatureRemoval": TableGrants(
        "what features have to delete: whoever ends an integration issues it, sync for items that"
        " the provider no longer has; web hands it out and notes the answer; purge forgets; staff"
        " count by feature",
        web="raw",
        sync="raw",
        purge="rawd",
        columns={(_STAFF, "r"): ("feature", "due_at", "acknowledged_at")},
    ),
    "integrations.Heartbeat": TableGrants(
        "when each queue last had a consumer, and beat last ran: workers and beat write, all look",
        web="r",
        staff="r",
        sync="raw",
        purge="raw",
        console="r",
    ),
    "integrations.ParserCount": TableGrants(
        "how often parsers refused: those who parse add to it, staff show it",
        web="raw",
        staff="raw",
        sync="raw",
    ),
    "integrations.Reply": TableGrants(
        "what came of requests that may be sent again; a day later purge forgets them",
        web="rawd",
        purge="rd",
    ),
    "integrations.Notice": TableGrants("what owners were told", web="r", purge="rad"),
    "integrations.OwnerNotice": TableGrants(
        "the page of notices: all that emit one write it, web reads and marks it, purge mails it",
        web="raw",
        sync="raw",
        purge="rawd",
    ),
    "integrations.NoticePreference": TableGrants(
        "where people receive their notices", web="rawd", sync="r", purge="rd"
    ),
    "integrations.PurgeJob": TableGrants(
        "promises of removal: made by a disconnect, kept by the purge; staff see how far they got",
        web="ra",
        staff="r",
        sync="r",
        purge="raw",
        console="r",
    ),
    "integrations.QuotaBucket": TableGrants(
        "units left at the provider", web="raw", sync="raw", purge="rd"
    ),
    "integrations.SyncWork": TableGrants(
        "what is to be synced: web opens it and says that it is due; sync opens that of calendars;"
        " purge counts what the horizon took",
        web="raw",
        sync="raw",
        purge="rwd",
        console="r",
        columns={
            (_PURGE, "w"): ("done_count", "expected_count"),
            (_STAFF, "r"): (
                *("id", "integration_id", "resource", "stage", "next_sync_at", "lease_until"),
                *("heartbeat_at", "failure_count", "failing_since", "crash_count", "denial_count"),
                *("pause_reason", "expected_count", "done_count", "mime_count", "units_spent"),
                *("first_synced_at", "last_synced_at", "last_event_at", "reconcile_at"),
                # How often a mailbox is checked depends on its last view.
                "looked_at",
            ),
        },
    ),
    "integrations.Watch": TableGrants(
        "what providers tell us of; web notes that they did, and wants and stops none",
        web="r",
        sync="rawd",
        purge="rd",
        console="r",
        # A provider reports changes, or that a subscription must be renewed.
        columns={
            (_WEB, "w"): ("last_event_at", "silent_since", "due_at"),
            (_STAFF, "r"): (
                *("id", "integration_id", "connection_id", "resource", "kind", "status"),
                *("wanted_at", "started_at", "expires_at", "due_at", "failure_count"),
                *("rejected_count", "last_event_at", "silent_since"),
            ),
        },
    ),
    "integrations.SetAside": TableGrants(
        "items that would not parse; staff see how many, and why",
        web="rw",
        sync="rawd",
        purge="rd",
        columns={
            (_STAFF, "r"): (
                *("id", "integration_id", "reason", "try_count", "first_seen_at"),
                *("last_tried_at", "next_try_at"),
            )
        },
    ),
    "integrations.StatusChange": TableGrants(
        "statuses that products had: who changes one also keeps it",
        web="ra",
        staff="r",
        sync="ra",
        purge="rad",
    ),
    "integrations.SupportCode": TableGrants(
        "hashes of codes that people read out: web makes and ends them, a function uses them, purge"
        " forgets",
        web="ra",
        purge="rd",
        columns={(_WEB, "w"): ("expires_at",)},
    ),
    "integrations.SupportLookup": TableGrants(
        "whom agents found: a function alone writes it; web shows it to the person; purge notifies"
        " and forgets",
        web="r",
        staff="r",
        purge="rd",
        columns={(_PURGE, "w"): ("notified_at",)},
    ),
    "integrations.SupportAct": TableGrants(
        "what agents ordered: staff order, workers do it, web shows it to the person",
        web="r",
        staff="ra",
        sync="rw",
        purge="rawd",
    ),
    "integrations.SupportQuestion": TableGrants(
        "what agents ask people to show: staff ask, and may take it back; the person answers",
        web="r",
        staff="ra",
        purge="rwd",
        columns={
            (_WEB, "w"): ("state", "answered_at", "item", "consent_id"),
            (_STAFF, "w"): ("state", "answered_at"),
        },
    ),
    "integrations.BulkRevocation": TableGrants(
        "disconnects of many: two of staff order them, purge counts and runs them",
        staff="ra",
        purge="rwd",
        columns={
            (_STAFF, "w"): (
                *("state", "decided_by", "decided_at", "decision_signature", "stopped_by"),
                *("ended_at", "next_try_at"),
            )
        },
    ),
    "integrations.Reconciliation": TableGrants(
        "comparisons with the provider", web="r", staff="r", sync="rad", purge="rd", console="r"
    ),
}
