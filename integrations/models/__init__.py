from .admin_consent import Approval, ApprovalState
from .binary_lookups import AnyOf
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
from .export import Export, ExportOutcome
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
from .sync import Reconciliation, SetAside, SyncStage, SyncWork
from .upload import Upload, UploadChunk
from .watch import Watch, WatchKind, WatchStatus

__all__ = [
    "CACHE_CHOICES",
    "FETCHABLE",
    "LIVE",
    "OPEN_STATES",
    "OWNER_ONLY",
    "UNSENT_STATES",
    "AnyOf",
    "Approval",
    "ApprovalState",
    "Attachment",
    "AttemptOutcome",
    "Calendar",
    "CalendarRole",
    "ConnectAttempt",
    "Connection",
    "ConnectionStatus",
    "DeliveryReport",
    "Discard",
    "DraftProposal",
    "Event",
    "EventKind",
    "Export",
    "ExportOutcome",
    "Heartbeat",
    "Integration",
    "IntegrationStatus",
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
    "QuotaBucket",
    "Reconciliation",
    "Reply",
    "RevocationOutcome",
    "SendingSettings",
    "SetAside",
    "StatusReason",
    "SyncStage",
    "SyncWork",
    "Thread",
    "Upload",
    "UploadChunk",
    "Watch",
    "WatchKind",
    "WatchStatus",
]
