from .admin_consent import Approval, ApprovalState
from .binary_lookups import AnyOf
from .bulk_revocation import BULK_ENDED, BULK_WORK, BulkRevocation, BulkState
from .calendar import Calendar, CalendarRole, Event, EventKind
from .connect_attempt import AttemptOutcome, ConnectAttempt
from .connection import (
    CACHE_CHOICES,
    FETCHABLE,
    LIVE,
    OWNER_ONLY,
    Connection,
    ConnectionStatus,
    Integration,
    IntegrationStatus,
    RevocationOutcome,
    StatusReason,
)
from .discarded_grant import Discard
from .drive import (
    OPEN_FILE_STATES,
    SENDABLE_FILE_STATES,
    DriveFile,
    DriveFileProblem,
    DriveFileState,
    DriveFolder,
    FileKind,
    FileSourceKind,
    FolderRequest,
    StandingConsent,
)
from .export import Export, ExportOutcome
from .feature import MAX_REMOVED_ITEMS, FeatureRead, FeatureRemoval, RemovalReason
from .heartbeat import Heartbeat
from .idempotency_record import Reply
from .mail import Attachment, Message, MessageBody, Thread
from .outbox import (
    OPEN_STATES,
    UNSENT_STATES,
    DeliveryReport,
    OutboxCommand,
    OutboxKind,
    OutboxProblem,
    OutboxState,
)
from .owner_notice import Notice, NoticeChannel, NoticeKind, NoticePreference, OwnerNotice
from .parser_count import ParserCount
from .purge import PurgeJob, PurgeStep, PurgeTrigger
from .rate_limit import QuotaBucket
from .sending import DraftProposal, OutgoingCount, OutgoingKind, SendingSettings
from .status_change import StatusChange
from .support import (
    CODE_LASTS,
    LOOKUP_LASTS,
    MAX_TEXT,
    MAX_TICKET,
    REVOCATIONS,
    LookupMeans,
    SupportAct,
    SupportActKind,
    SupportActState,
    SupportCode,
    SupportLookup,
    SupportReason,
)
from .support_question import QUESTION_LASTS, ItemKind, QuestionState, SupportQuestion
from .sync import Reconciliation, SetAside, SyncStage, SyncWork
from .upload import Upload, UploadChunk
from .watch import Watch, WatchKind, WatchStatus

__all__ = [
    "BULK_ENDED",
    "BULK_WORK",
    "CACHE_CHOICES",
    "CODE_LASTS",
    "FETCHABLE",
    "LIVE",
    "LOOKUP_LASTS",
    "MAX_REMOVED_ITEMS",
    "MAX_TEXT",
    "MAX_TICKET",
    "OPEN_FILE_STATES",
    "OPEN_STATES",
    "OWNER_ONLY",
    "QUESTION_LASTS",
    "REVOCATIONS",
    "SENDABLE_FILE_STATES",
    "UNSENT_STATES",
    "AnyOf",
    "Approval",
    "ApprovalState",
    "Attachment",
    "AttemptOutcome",
    "BulkRevocation",
    "BulkState",
    "Calendar",
    "CalendarRole",
    "ConnectAttempt",
    "Connection",
    "ConnectionStatus",
    "DeliveryReport",
    "Discard",
    "DraftProposal",
    "DriveFile",
    "DriveFileProblem",
    "DriveFileState",
    "DriveFolder",
    "Event",
    "EventKind",
    "Export",
    "ExportOutcome",
    "FeatureRead",
    "FeatureRemoval",
    "FileKind",
    "FileSourceKind",
    "FolderRequest",
    "Heartbeat",
    "Integration",
    "IntegrationStatus",
    "ItemKind",
    "LookupMeans",
    "Message",
    "MessageBody",
    "Notice",
    "NoticeChannel",
    "NoticeKind",
    "NoticePreference",
    "OutboxCommand",
    "OutboxKind",
    "OutboxProblem",
    "OutboxState",
    "OutgoingCount",
    "OutgoingKind",
    "OwnerNotice",
    "ParserCount",
    "PurgeJob",
    "PurgeStep",
    "PurgeTrigger",
    "QuestionState",
    "QuotaBucket",
    "Reconciliation",
    "RemovalReason",
    "Reply",
    "RevocationOutcome",
    "SendingSettings",
    "SetAside",
    "StandingConsent",
    "StatusChange",
    "StatusReason",
    "SupportAct",
    "SupportActKind",
    "SupportActState",
    "SupportCode",
    "SupportLookup",
    "SupportQuestion",
    "SupportReason",
    "SyncStage",
    "SyncWork",
    "Thread",
    "Upload",
    "UploadChunk",
    "Watch",
    "WatchKind",
    "WatchStatus",
]
