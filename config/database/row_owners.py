"""
The owner of each row: every table, on one page.

A table without an entry fails a test. If an entry names an owner, a web process sees only rows of
its transaction's person (`row_security`). The entry also names other readers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final

from django.apps import apps


class RowOwnerColumns(StrEnum):
    """The columns of a row that name its owner."""

    # The row has the person and the organisation.
    OWNER = "owner"
    # The row has the person, who may act in any organisation.
    PERSON = "person"
    # The row names an integration or a connection, which has an owner.
    INTEGRATION = "integration"
    CONNECTION = "connection"


class SharedRowReader(StrEnum):
    """Other readers of a row. The database finds them in the rows of shares."""

    # Viewers of this calendar.
    SHARED_CALENDAR = "calendar that is shared with them"
    # Viewers of a calendar of this integration.
    SHARED_INTEGRATION = "integration of a calendar that is shared with them"
    # Viewers of any calendar of the owner.
    SHARED_OWNER = "account of somebody who shares a calendar with them"
    # The same viewers, for the consent that sharing needs.
    SHARED_AGREEMENT = "agreement to sharing of somebody who shares with them"
    # The viewer that a share names, who may also end it.
    VIEWER = "share that names them"


class StaffRowAccess(StrEnum):
    """How a row belongs to a message or an event that its owner opened to support."""

    AGREEMENT = "agreement to show a message or an event to support"
    ITEM = "message or event that such an agreement names"
    PART = "part of such a message"
    CALENDAR = "calendar of such an event"
    INTEGRATION = "integration of such a message or calendar"
    CONNECTION = "connection of such an integration"
    LEDGER_KEY = "ledger key of such a connection"
    # Not opened: the person's own row, for signing in.
    STAFF = "row of the member of staff"
    # Nor these: a support agent's own look-ups, by which `OwnedTable.found` shows rows.
    LOOKUP = "look-up of the agent"
    ORDER = "order of the agent, or for a person whom they found"


@dataclass(frozen=True, slots=True)
class OwnedTable:
    """
    A table with rows that have an owner.

    :param by: how the owner is found
    :param column: the column with the owner; for `OWNER` that of the person, with the
        organisation in `organisation_id`
    :param why: what other people would see without the policy
    :param also: other readers
    :param opened: the rows that staff read; None: none
    :param found: a support agent also reads the rows of people whom they found, while the look-up
        is open
    :param sync: sync workers see all rows: they schedule work, and contain no content
    :param many: a statement may read very many rows (see
        `declared_row_security.build_owner_condition`)
    """

    by: RowOwnerColumns
    column: str
    why: str
    also: SharedRowReader | None = None
    opened: StaffRowAccess | None = None
    found: bool = False
    sync: bool = False
    many: bool = False

    def describe_owner(self) -> dict[str, str | bool]:
        """Return the entry's facts for the evidence, without `why`."""
        return {
            "hidden": True,
            "owner": self.by,
            "also": self.also or "",
            "staff": self.opened or "",
            "support_finds": self.found,
            "sync_sees_all": self.sync,
        }


@dataclass(frozen=True, slots=True)
class SiteRowsTable:
    """A table of which each site's class sees the rows of its site."""

    why: str

    def describe_owner(self) -> dict[str, str | bool]:
        return {"hidden": True, "owner": "site"}


@dataclass(frozen=True, slots=True)
class UnownedTable:
    """A table without owners, or one that is read before the person is known; `why` says which."""

    why: str

    def describe_owner(self) -> dict[str, str | bool]:
        return {"hidden": False}


_UNUSED: Final = UnownedTable("Django's own, not used")
_SIGN_IN: Final = "read to find out who is asking"
_SERVICE: Final = "the service's own, about nobody by name"

#: By model, or by table if there is no model.
OWNERS: Final[Mapping[str, OwnedTable | SiteRowsTable | UnownedTable]] = {
    # --- Django's own -----------------------------------------------------------------------
    "auth.Permission": _UNUSED,
    "auth.Group": _UNUSED,
    "auth.Group_permissions": _UNUSED,
    "contenttypes.ContentType": _UNUSED,
    "django_migrations": UnownedTable(_SERVICE),
    # --- accounts ---------------------------------------------------------------------------
    "accounts.User": OwnedTable(
        RowOwnerColumns.PERSON,
        "id",
        "names, addresses and password hashes; sign-in asks a function",
        opened=StaffRowAccess.STAFF,
        sync=True,
    ),
    "accounts.Organisation": UnownedTable(_SIGN_IN),
    "accounts.Membership": UnownedTable(f"{_SIGN_IN}; colleagues are shared with"),
    "accounts.Session": SiteRowsTable(
        f"{_SIGN_IN}, under a hash of what they show; neither site makes one for the other"
    ),
    "accounts.RateCount": UnownedTable("out of reach: through functions that count alone"),
    "accounts.KnownNetwork": UnownedTable(f"{_SIGN_IN}, by hashes of networks"),
    "accounts.ServiceClient": UnownedTable(_SIGN_IN),
    "accounts.ServiceClientChange": UnownedTable(
        "orders of operators about platform features: public keys and addresses, nobody's name"
    ),
    "accounts.ServiceToken": UnownedTable(f"{_SIGN_IN}, by its hash"),
    "accounts.AuthorizationCode": UnownedTable(f"{_SIGN_IN}, by its hash"),
    "accounts.UsedAssertion": UnownedTable(
        "hashes of what clients showed, before they are believed"
    ),
    "accounts.UserMinute": UnownedTable("counts per client, of all the people it acts for"),
    "accounts.ClientHour": UnownedTable("counts per client"),
    # The person sees it in every organisation, and changes it in that of the session.
    "accounts.Delegation": OwnedTable(
        RowOwnerColumns.PERSON,
        "user_id",
        "which features somebody switched on; a client's token asks functions",
        sync=True,
    ),
    "accounts.Alarm": UnownedTable(_SERVICE),
    "account.EmailAddress": OwnedTable(
        RowOwnerColumns.PERSON,
        "user_id",
        "addresses; sign-in and sharing ask functions",
        opened=StaffRowAccess.STAFF,
    ),
    "account.EmailConfirmation": _UNUSED,
    "mfa.Authenticator": OwnedTable(
        RowOwnerColumns.PERSON,
        "user_id",
        "second factors, shown when the password was right",
        opened=StaffRowAccess.STAFF,
    ),
    # --- limited_use ------------------------------------------------------------------------
    "limited_use.Share": OwnedTable(
        RowOwnerColumns.OWNER,
        "owner_id",
        "with whom people share what",
        also=SharedRowReader.VIEWER,
        sync=True,
    ),
    "limited_use.Consent": OwnedTable(
        RowOwnerColumns.OWNER,
        "owner_id",
        "what people agreed to, and what of theirs is open to support",
        also=SharedRowReader.SHARED_AGREEMENT,
        opened=StaffRowAccess.AGREEMENT,
        found=True,
        sync=True,
    ),
    "limited_use.DataKey": UnownedTable("out of reach: through the vault's functions alone"),
    "limited_use.KeyEpoch": UnownedTable(_SERVICE),
    "limited_use.Leaf": UnownedTable("the ledger: of pseudonyms, for everybody to check"),
    "limited_use.Tile": UnownedTable(_SERVICE),
    "limited_use.Checkpoint": UnownedTable(_SERVICE),
    "limited_use.VerifierKeyPeriod": UnownedTable(_SERVICE),
    "limited_use.OwedTombstone": UnownedTable("hashes of what died"),
    "limited_use.Receipt": OwnedTable(
        RowOwnerColumns.PERSON,
        "owner_id",
        "what somebody had here, and when it ended",
        found=True,
    ),
    "limited_use.ReceiptLink": UnownedTable(
        "hashes of links, each to be shown by whoever holds it"
    ),
    "limited_use.PolicyUse": UnownedTable(_SERVICE),
    "limited_use.Refusal": UnownedTable(_SERVICE),
    "limited_use.Tally": UnownedTable(_SERVICE),
    "limited_use.HourOfOpens": UnownedTable("counts, by pseudonyms"),
    "limited_use.Gauge": UnownedTable(_SERVICE),
    "limited_use.EvidenceBundle": UnownedTable(_SERVICE),
    "limited_use.LedgerKey": OwnedTable(
        RowOwnerColumns.CONNECTION,
        "holder",
        "by which keys the ledger names somebody",
        also=SharedRowReader.SHARED_OWNER,
        opened=StaffRowAccess.LEDGER_KEY,
        sync=True,
    ),
    "limited_use.WrappedLedgerKey": UnownedTable(
        "out of reach: through the vault's functions alone"
    ),
    # --- integrations -----------------------------------------------------------------------
    "integrations.Connection": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "which accounts somebody has, and their sealed tokens",
        also=SharedRowReader.SHARED_OWNER,
        opened=StaffRowAccess.CONNECTION,
        found=True,
        sync=True,
    ),
    "integrations.Integration": OwnedTable(
        RowOwnerColumns.CONNECTION,
        "connection_id",
        "what somebody has switched on",
        also=SharedRowReader.SHARED_INTEGRATION,
        opened=StaffRowAccess.INTEGRATION,
        found=True,
        sync=True,
    ),
    "integrations.ConnectAttempt": OwnedTable(
        RowOwnerColumns.PERSON, "user_id", "connects in progress, which end where they began"
    ),
    "integrations.Approval": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "that somebody's administrator was asked to allow an account",
        found=True,
    ),
    "integrations.Discard": UnownedTable(
        "hashes of accounts whose grant was not kept: it is nobody's"
    ),
    "integrations.Thread": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "how much mail, when", many=True
    ),
    "integrations.Message": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "when whose mail came; the rest is sealed",
        opened=StaffRowAccess.ITEM,
        many=True,
    ),
    "integrations.MessageBody": OwnedTable(
        RowOwnerColumns.INTEGRATION, "integration_id", "sealed mail", opened=StaffRowAccess.PART
    ),
    "integrations.Attachment": OwnedTable(
        RowOwnerColumns.INTEGRATION, "integration_id", "sizes; the rest is sealed"
    ),
    "integrations.Calendar": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "which calendars; what they are called is sealed",
        also=SharedRowReader.SHARED_CALENDAR,
        opened=StaffRowAccess.CALENDAR,
        found=True,
    ),
    "integrations.Event": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "weeks with appointments; the rest is sealed",
        also=SharedRowReader.SHARED_CALENDAR,
        opened=StaffRowAccess.ITEM,
        many=True,
    ),
    "integrations.OutboxCommand": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "when somebody sent something; the rest is sealed",
        sync=True,
    ),
    "integrations.Upload": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "sizes of files; the rest is sealed"
    ),
    "integrations.UploadChunk": OwnedTable(RowOwnerColumns.OWNER, "user_id", "sealed files"),
    "integrations.DriveFile": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "sizes and states of files; the rest is sealed",
        sync=True,
    ),
    "integrations.DriveFolder": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "that uploads have a folder; the rest is sealed"
    ),
    "integrations.FolderRequest": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "that somebody is choosing a folder"
    ),
    "integrations.StandingConsent": OwnedTable(
        RowOwnerColumns.OWNER,
        "user_id",
        "which feature may save how many files; the folder is sealed",
    ),
    "integrations.DeliveryReport": OwnedTable(
        RowOwnerColumns.INTEGRATION, "integration_id", "that somebody's message came back"
    ),
    "integrations.DraftProposal": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "that a feature proposed something; the rest is sealed"
    ),
    "integrations.SendingSettings": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "how long somebody may undo; the rest is sealed"
    ),
    "integrations.OutgoingCount": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "how much somebody sends"
    ),
    "integrations.Export": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "that somebody took a copy along"
    ),
    "integrations.FeatureRead": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "which features read whose data", sync=True
    ),
    # A client lists its removals without a person; the API filters by the client's feature.
    "integrations.FeatureRemoval": UnownedTable(
        "what a feature has to delete, of all people whose data it read: ids of ours"
    ),
    "integrations.Heartbeat": UnownedTable(_SERVICE),
    "integrations.ParserCount": UnownedTable(_SERVICE),
    "integrations.Reply": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "that somebody wrote or sent something, and when"
    ),
    "integrations.Notice": OwnedTable(
        RowOwnerColumns.CONNECTION, "connection_id", "what somebody was told", sync=True
    ),
    "integrations.OwnerNotice": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "what somebody was told", sync=True
    ),
    "integrations.NoticePreference": OwnedTable(
        RowOwnerColumns.OWNER, "user_id", "where somebody receives notices", sync=True
    ),
    # The person sees it in every organisation, and also after leaving all.
    "integrations.PurgeJob": OwnedTable(
        RowOwnerColumns.PERSON, "user_id", "that somebody left, and why", found=True, sync=True
    ),
    "integrations.QuotaBucket": OwnedTable(
        RowOwnerColumns.CONNECTION, "connection_id", "how busy an account is", sync=True
    ),
    "integrations.SyncWork": OwnedTable(
        RowOwnerColumns.INTEGRATION, "integration_id", "how a copy stands", found=True, sync=True
    ),
    "integrations.Watch": OwnedTable(
        RowOwnerColumns.INTEGRATION,
        "integration_id",
        "what providers tell us of",
        found=True,
        sync=True,
    ),
    "integrations.SetAside": OwnedTable(
        RowOwnerColumns.INTEGRATION, "integration_id", "what would not parse", found=True
    ),
    "integrations.StatusChange": OwnedTable(
        RowOwnerColumns.INTEGRATION,
        "integration_id",
        "when somebody's account worked",
        found=True,
        sync=True,
    ),
    "integrations.SupportCode": OwnedTable(
        RowOwnerColumns.PERSON, "user_id", "that somebody called support, and who answered"
    ),
    "integrations.SupportLookup": OwnedTable(
        RowOwnerColumns.PERSON,
        "user_id",
        "that support looked somebody up",
        opened=StaffRowAccess.LOOKUP,
    ),
    "integrations.SupportAct": OwnedTable(
        RowOwnerColumns.PERSON,
        "user_id",
        "what support did for somebody, and why",
        opened=StaffRowAccess.ORDER,
        sync=True,
    ),
    "integrations.SupportQuestion": OwnedTable(
        RowOwnerColumns.PERSON,
        "user_id",
        "what support asked somebody, and the answer",
        opened=StaffRowAccess.ORDER,
    ),
    "integrations.BulkRevocation": UnownedTable(
        "orders of staff about many at once: criteria and counts, nobody's name"
    ),
    "integrations.Reconciliation": OwnedTable(
        RowOwnerColumns.INTEGRATION, "integration_id", "how much mail there is", found=True
    ),
}


@cache
def get_owned_tables() -> Mapping[str, str]:
    """Return the tables of owned rows, with their labels in `OWNERS`."""
    return _get_tables_of_kind(OwnedTable)


@cache
def get_site_tables() -> Mapping[str, str]:
    """Return the tables of rows that belong to a site, with their labels in `OWNERS`."""
    return _get_tables_of_kind(SiteRowsTable)


def _get_tables_of_kind(kind: type[OwnedTable | SiteRowsTable]) -> Mapping[str, str]:
    return {
        model._meta.db_table: label  # noqa: SLF001 - Django's documented model API
        for model in apps.get_models()
        for label in [model._meta.label]  # noqa: SLF001
        if isinstance(OWNERS.get(label), kind)
    }
