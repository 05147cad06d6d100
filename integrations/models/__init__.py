"""The tables of connected accounts, one file per aggregate."""

from .approval import Approval, ApprovalState
from .attempt import AttemptOutcome, ConnectAttempt
from .calendar import Calendar, CalendarRole, Event, EventKind
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
from .discard import Discard
from .export import Export, ExportOutcome
from .heartbeat import Heartbeat
from .lookups import AnyOf
from .mail import Attachment, Message, MessageBody, Thread
from .notice import Notice, NoticeKind
from .parser_count import ParserCount
from .purge import PurgeJob, PurgeStep, PurgeTrigger
from .quota import QuotaBucket
from .reply import Reply
from .sync import Reconciliation, SetAside, SyncStage, SyncWork
from .watch import Watch, WatchKind, WatchStatus

__all__ = [
    "CACHE_CHOICES",
    "FETCHABLE",
    "LIVE",
    "OWNER_ONLY",
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
    "Discard",
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
    "NoticeKind",
    "ParserCount",
    "PurgeJob",
    "PurgeStep",
    "PurgeTrigger",
    "QuotaBucket",
    "Reconciliation",
    "Reply",
    "RevocationOutcome",
    "SetAside",
    "StatusReason",
    "SyncStage",
    "SyncWork",
    "Thread",
    "Watch",
    "WatchKind",
    "WatchStatus",
]
