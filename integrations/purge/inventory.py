"""
Every table with data of an integration or its connection, and a query for its rows.

A test derives the list from the models: a table that refers to a connection or an integration,
even indirectly, and is neither a holding nor an exception fails the build.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from integrations.models import (
    Approval,
    Attachment,
    Calendar,
    ConnectAttempt,
    Connection,
    DeliveryReport,
    DraftProposal,
    DriveFile,
    DriveFolder,
    Event,
    Export,
    FeatureRead,
    FolderRequest,
    Integration,
    Message,
    MessageBody,
    Notice,
    NoticePreference,
    OutboxCommand,
    QuotaBucket,
    Reconciliation,
    Reply,
    SendingSettings,
    SetAside,
    StandingConsent,
    StatusChange,
    SyncWork,
    Thread,
    Upload,
    UploadChunk,
    Watch,
)
from limited_use.models import DataKey
from limited_use.vault import data_key_rows


class PurgeScope(Enum):
    """The owner of the rows, and so the time of their deletion."""

    # Deleted with the integration, at once.
    INTEGRATION = "integration"
    # Deleted with the integration after each watch is stopped or given up: the row is needed to
    # stop it.
    WATCHES = "watches"
    # Deleted with the connection, when no integration needs the grant.
    CONNECTION = "connection"


@dataclass(frozen=True, slots=True)
class DataHolding:
    """:param get_rows: of the owner with that id: to count, and to delete unless they are keys"""

    model: type[Model]
    scope: PurgeScope
    get_rows: Callable[[UUID], Any]
    # Name in the receipt, if rows are not simply deleted.
    name: str = ""
    # Data keys only.
    list_key_holders: Callable[[QuerySet[Integration]], list[UUID]] | None = None

    @property
    def label(self) -> str:
        return self.name or self.model._meta.label  # noqa: SLF001


def _make_table_holding(model: type[Model], column: str, scope: PurgeScope) -> DataHolding:
    manager: Any = model._default_manager  # noqa: SLF001
    return DataHolding(model, scope, lambda holder: manager.filter(**{column: holder}))


def _find_account_columns(connection_id: UUID) -> QuerySet[Connection]:
    # The row stays as a tombstone, without columns that identify or open the account.
    return Connection.objects.filter(id=connection_id).filter(
        Q(account_blind__isnull=False)
        | Q(address_blind__isnull=False)
        | Q(email__isnull=False)
        | Q(refresh_token__isnull=False)
        | Q(access_token__isnull=False)
        | Q(wanted_claims__isnull=False)
        | ~Q(asked_scopes=[])
        | ~Q(granted_scopes=[])
    )


@dataclass(frozen=True, slots=True)
class HeldDataKeys:
    """Data keys, counted and never read."""

    holders: Sequence[UUID]

    def count(self) -> int:
        return len(data_key_rows.get_data_key_metadata(self.holders))


def _make_holder_list(path: str) -> Callable[[QuerySet[Integration]], list[UUID]]:
    return lambda integrations: list(integrations.values_list(path, flat=True))


def _list_cache_holders(integrations: QuerySet[Integration]) -> list[UUID]:
    cache_keys_of_purges = integrations.filter(purge__isnull=False).values_list(
        "purge__cache_keys", flat=True
    )
    calendars = Calendar.objects.filter(integration__in=integrations)
    return [
        *calendars.values_list("cache_id", flat=True),
        *(UUID(holder) for cache_keys in cache_keys_of_purges for _, _, holder, _ in cache_keys),
    ]


def _get_grant_keys(connection_id: UUID) -> HeldDataKeys:
    grants = Connection.objects.filter(id=connection_id)
    return HeldDataKeys(list(grants.values_list("grant_id", flat=True)))


_INTEGRATION, _WATCHES, _CONNECTION = (
    PurgeScope.INTEGRATION,
    PurgeScope.WATCHES,
    PurgeScope.CONNECTION,
)

#: In order of deletion: referring tables first.
HOLDINGS: Final[tuple[DataHolding, ...]] = (
    DataHolding(
        DataKey,
        _INTEGRATION,
        lambda holder: HeldDataKeys(_list_cache_holders(Integration.objects.filter(id=holder))),
        name="limited_use.DataKey.copies",
        list_key_holders=_list_cache_holders,
    ),
    _make_table_holding(Event, "integration_id", _INTEGRATION),
    _make_table_holding(Calendar, "integration_id", _INTEGRATION),
    _make_table_holding(MessageBody, "integration_id", _INTEGRATION),
    _make_table_holding(Attachment, "integration_id", _INTEGRATION),
    _make_table_holding(Message, "integration_id", _INTEGRATION),
    _make_table_holding(Thread, "integration_id", _INTEGRATION),
    _make_table_holding(DriveFile, "integration_id", _INTEGRATION),
    _make_table_holding(DriveFolder, "integration_id", _INTEGRATION),
    _make_table_holding(FolderRequest, "integration_id", _INTEGRATION),
    _make_table_holding(StandingConsent, "integration_id", _INTEGRATION),
    _make_table_holding(SetAside, "integration_id", _INTEGRATION),
    _make_table_holding(Reconciliation, "integration_id", _INTEGRATION),
    _make_table_holding(SyncWork, "integration_id", _INTEGRATION),
    _make_table_holding(StatusChange, "integration_id", _INTEGRATION),
    _make_table_holding(Watch, "integration_id", _WATCHES),
    _make_table_holding(UploadChunk, "integration_id", _INTEGRATION),
    _make_table_holding(Upload, "integration_id", _INTEGRATION),
    _make_table_holding(OutboxCommand, "integration_id", _INTEGRATION),
    _make_table_holding(DeliveryReport, "integration_id", _INTEGRATION),
    _make_table_holding(DraftProposal, "integration_id", _INTEGRATION),
    _make_table_holding(SendingSettings, "integration_id", _INTEGRATION),
    _make_table_holding(NoticePreference, "integration_id", _INTEGRATION),
    _make_table_holding(Export, "integration_id", _INTEGRATION),
    _make_table_holding(Reply, "integration_id", _INTEGRATION),
    _make_table_holding(FeatureRead, "integration_id", _INTEGRATION),
    DataHolding(
        DataKey,
        _INTEGRATION,
        lambda holder: HeldDataKeys([holder]),
        name="limited_use.DataKey.content",
        list_key_holders=_make_holder_list("id"),
    ),
    _make_table_holding(QuotaBucket, "connection_id", _CONNECTION),
    _make_table_holding(Notice, "connection_id", _CONNECTION),
    _make_table_holding(ConnectAttempt, "connection_id", _CONNECTION),
    _make_table_holding(Approval, "connection_id", _CONNECTION),
    DataHolding(
        Connection, _CONNECTION, _find_account_columns, name="integrations.Connection.grant"
    ),
    DataHolding(
        DataKey,
        _CONNECTION,
        _get_grant_keys,
        name="limited_use.DataKey.credential",
        list_key_holders=_make_holder_list("connection__grant_id"),
    ),
    DataHolding(
        DataKey,
        _CONNECTION,
        lambda holder: HeldDataKeys([holder]),
        name="limited_use.DataKey.account",
        list_key_holders=_make_holder_list("connection_id"),
    ),
)

#: Labels of holdings with deleted rows, without emptied columns and destroyed keys.
TABLES: Final = frozenset(holding.label for holding in HOLDINGS if not holding.name)

#: Tables with ids of an integration, a connection or a person, and no data of the account.
EXCEPTIONS: Final[Mapping[str, str]] = {
    "integrations.Integration": "tombstone: product, dates and status, so that the page can say so",
    "integrations.PurgeJob": "the promise itself: counts and ids of ours",
    "limited_use.LedgerKey": "what became of the key by which its entries are found",
    "limited_use.WrappedLedgerKey": (
        "the key by which its entries are found: set aside for the owner, for thirty days at most"
    ),
    "limited_use.Receipt": "the proof: pseudonyms, counts and times, kept for its owner",
    "limited_use.ReceiptLink": "a way to the proof: the hash of a random token",
    "limited_use.Share": "with whom a calendar was shared, by ids of ours, and that it has ended;"
    " the address that was typed is emptied by then",
    "limited_use.Consent": "what a person agreed to in our words; named in the receipt",
    "accounts.Membership": "where the person belongs on the platform",
    "accounts.Delegation": "which platform feature the person switched on",
    "integrations.OwnerNotice": (
        "what the person was told: words of closed lists, ids of ours and times, for ninety days."
        " The notice of a removal is read after it"
    ),
    "integrations.SupportAct": (
        "what support did for the person, and why: words of closed lists, ids of ours, counts, and"
        " what the agent wrote about the case, for ninety days. The act that disconnected it stays"
    ),
    "integrations.SupportLookup": (
        "that support looked the person up, and why: words of closed lists and ids of ours, for"
        " ninety days"
    ),
    "integrations.SupportQuestion": (
        "what support asked the person to show, and the answer: ids of ours, and what the agent"
        " wrote, for ninety days"
    ),
    "integrations.SupportCode": "the hash of a code that the person read out, for thirty days",
    "integrations.OutgoingCount": (
        "that the person sent something, to how many, and when: counted for a day, then deleted"
    ),
    "integrations.FeatureRemoval": (
        "what a platform feature has to delete, and whether it has: ids of ours and times, for"
        " ninety days after it acknowledged"
    ),
    "accounts.UserMinute": "that a client asked for the person, by the minute; counted, then gone",
    "accounts.KnownNetwork": "that the person signed in from a network, by its keyed hash; expires",
    "accounts.Session": "the person's sign-in; nothing of a provider is kept in sessions",
    "account.EmailAddress": "the address that the person signs in with",
    "mfa.Authenticator": "the person's second factor",
}


def count_rows_left(
    *, integration_id: UUID, connection_id: UUID | None = None, with_watches: bool = True
) -> dict[str, int]:
    """
    Count rows now, by label; infer nothing.

    :param connection_id: also count the connection's holdings
    :param with_watches: also count rows of watches, which stay until the watches are settled
    """
    watches_of = integration_id if with_watches else None
    holders = {_INTEGRATION: integration_id, _WATCHES: watches_of, _CONNECTION: connection_id}
    return {
        holding.label: holding.get_rows(holder).count()
        for holding in HOLDINGS
        if (holder := holders[holding.scope]) is not None
    }
