"""
The problem of every expected exception, for the API and pages.

A missing exception is a bug: a 500. `problem_catalogue` has the texts.
"""

from __future__ import annotations

import logging
from typing import Final

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions

from accounts.client_removals import RemovalsOverdue
from accounts.client_volume import UnusualVolume
from accounts.reauthentication import ReauthenticationNeeded
from integrations import connections
from integrations.access import fences
from integrations.access.request_context import InvalidChoice, ObjectNotFound
from integrations.calendar import agenda, etags, event_lookup, local_calendars, local_events
from integrations.calendar.events import write_errors as event_errors
from integrations.coordination import person_slots
from integrations.drive import upload_errors as drive_errors
from integrations.formats import timezones
from integrations.formats.icalendar.file_problems import UnreadableCalendarFile
from integrations.formats.recurrence.recurrence_expansion import BadTimeWindow
from integrations.mail.sending import send_message
from integrations.outbox import commands, tus_headers, upload_errors
from integrations.parsers.parser_pool import ParsersBusy, ParsersUnavailable
from integrations.providers import errors
from integrations.web import idempotency, page_cursors
from integrations.web import problem_catalogue as catalogue
from integrations.web.problem_catalogue import ProblemType
from integrations.web.temporary_problems import TEMPORARY_PROBLEMS
from limited_use.agreements import consents, shares
from limited_use.vault.data_keys import KeyDestroyed
from limited_use.vault.envelope import Damaged, Unopenable
from limited_use.vault.keyring.keyring_port import KeyStoreUnavailable

logger = logging.getLogger(__name__)

#: Exceptions of our own operations, of the database and of parser processes.
PROBLEMS: Final[dict[type[Exception], ProblemType]] = {
    **TEMPORARY_PROBLEMS,
    # Connections and agreements.
    connections.NotConnectedError: catalogue.NOT_CONNECTED,
    connections.UnknownProvider: catalogue.UNKNOWN_PROVIDER,
    fences.DisconnectedError: catalogue.NO_LONGER_CONNECTED,
    consents.ConsentMissing: catalogue.NOT_AGREED,
    consents.DeclarationOutdated: catalogue.AGREEMENT_OUTDATED,
    shares.ShareEndsInPast: catalogue.END_IN_THE_PAST,
    ObjectNotFound: catalogue.NOT_FOUND,
    InvalidChoice: catalogue.NOT_A_CHOICE,
    # Service clients.
    RemovalsOverdue: catalogue.REMOVALS_OVERDUE,
    # Mail and calendars: reading.
    page_cursors.InvalidCursor: catalogue.INVALID_CURSOR,
    page_cursors.ExpiredCursor: catalogue.EXPIRED_CURSOR,
    agenda.WindowTooLong: catalogue.WINDOW_TOO_LONG,
    BadTimeWindow: catalogue.BAD_WINDOW,
    timezones.UnknownZone: catalogue.UNKNOWN_TIMEZONE,
    event_lookup.CalendarNotCurrent: catalogue.COPY_NOT_CURRENT,
    # Calendars: writing.
    etags.VersionRequired: catalogue.IF_MATCH_NEEDED,
    etags.VersionMalformed: catalogue.CHANGED,
    etags.EventStale: catalogue.CHANGED,
    local_calendars.CalendarChanged: catalogue.CHANGED,
    local_calendars.TooManyCalendars: catalogue.TOO_MANY_CALENDARS,
    local_calendars.CalendarNameMissing: catalogue.NO_NAME,
    local_events.LocalEventChanged: catalogue.EVENTS_CHANGED,
    local_events.LocalCalendarFull: catalogue.CALENDAR_FULL,
    UnreadableCalendarFile: catalogue.UNREADABLE_FILE,
    event_errors.CalendarReadOnly: catalogue.READ_ONLY,
    event_errors.WritePermissionMissing: catalogue.WRITE_PERMISSION_MISSING,
    event_errors.NotEventOrganizer: catalogue.NOT_ORGANIZER,
    event_errors.NotInvitedToEvent: catalogue.NOT_INVITED,
    event_errors.GuestsAlwaysNotified: catalogue.GUESTS_ARE_TOLD,
    event_errors.EventRejected: catalogue.REFUSED_BY_PROVIDER,
    event_errors.NoSuchOccurrence: catalogue.OCCURRENCE_GONE,
    event_errors.EventSlotTaken: catalogue.NOT_FREE,
    event_errors.SeriesSplitHalfDone: catalogue.HALF_DONE,
    event_errors.EventKeyReused: catalogue.EVENT_KEY_REUSED,
    idempotency.IdempotencyKeyReused: catalogue.KEY_REUSED,
    idempotency.RequestInProgress: catalogue.IN_PROGRESS,
    idempotency.IdempotentResultGone: catalogue.CREATED_OBJECT_GONE,
    # Sending.
    send_message.SendingNotAllowed: catalogue.SENDING_NOT_ALLOWED,
    commands.CommandNotUndoable: catalogue.MESSAGE_LEFT,
    commands.CommandOpen: catalogue.MESSAGE_OPEN,
    commands.CommandNotUnknown: catalogue.OUTCOME_KNOWN,
    # Files to send.
    upload_errors.UploadVersionUnsupported: catalogue.UPLOAD_VERSION,
    upload_errors.UploadLocked: catalogue.UPLOAD_LOCKED,
    upload_errors.UploadOffsetWrong: catalogue.UPLOAD_OFFSET,
    upload_errors.UploadExpired: catalogue.UPLOAD_EXPIRED,
    upload_errors.UploadTooLarge: catalogue.FILE_TOO_LARGE,
    upload_errors.UploadsFull: catalogue.UPLOADS_FULL,
    upload_errors.UploadFragmented: catalogue.UPLOAD_FRAGMENTED,
    upload_errors.UploadNotReady: catalogue.FILE_NOT_READY,
    upload_errors.ChecksumMismatch: catalogue.UPLOAD_CHECKSUM,
    tus_headers.AlgorithmUnsupported: catalogue.UPLOAD_ALGORITHM,
    # Files for a Drive.
    drive_errors.UploadLengthMissing: catalogue.UPLOAD_LENGTH,
    drive_errors.PieceTooSmall: catalogue.UPLOAD_PIECE,
    drive_errors.UploadPaused: catalogue.UPLOAD_PAUSED,
    drive_errors.UploadNotOpen: catalogue.UPLOAD_NOT_OPEN,
    drive_errors.FileAlreadyUploaded: catalogue.FILE_UPLOADED_BEFORE,
    drive_errors.QueueFull: catalogue.UPLOAD_QUEUE_FULL,
    drive_errors.UploadFailed: catalogue.UPLOAD_FAILED,
    # Sealed values and the key store. Keys are destroyed with the connection.
    KeyDestroyed: catalogue.NO_LONGER_CONNECTED,
    Unopenable: catalogue.NO_LONGER_CONNECTED,
    Damaged: catalogue.DAMAGED,
    KeyStoreUnavailable: catalogue.KEY_STORE_UNAVAILABLE,
    # Provider responses.
    errors.GrantRevoked: catalogue.RECONNECT,
    errors.ScopeMissing: catalogue.MORE_CONSENT,
    errors.TokenRejected: catalogue.PROVIDER_UNAVAILABLE,
    errors.Unavailable: catalogue.PROVIDER_UNAVAILABLE,
    errors.InvalidClient: catalogue.APP_MISCONFIGURED,
    errors.AdminBlocked: catalogue.ADMIN_BLOCKED,
    errors.MailboxMissing: catalogue.NO_MAILBOX,
    errors.Gone: catalogue.GONE_AT_PROVIDER,
    errors.Rejected: catalogue.UNREADABLE_ITEM,
    errors.OutcomeUnknown: catalogue.OUTCOME_UNKNOWN,
    errors.StorageFull: catalogue.STORAGE_FULL,
    errors.UploadEnded: catalogue.UPLOAD_SESSION_ENDED,
    # Raised after the last retry of a write, or by a write that is not retried.
    errors.ChangedMeanwhile: catalogue.CHANGED,
    errors.AlreadyThere: catalogue.ALREADY_THERE,
    # Limits of this service.
    person_slots.TooManyStreams: catalogue.TOO_MANY_DOWNLOADS,
    person_slots.TooManyUploads: catalogue.TOO_MANY_UPLOADS,
    UnusualVolume: catalogue.UNUSUAL_VOLUME,
    # A deadlock, a lock or a statement that took too long, a connection that broke.
    OperationalError: catalogue.BUSY,
    InterfaceError: catalogue.BUSY,
    # No parser process runs on this machine. The client may retry after the operator's repair.
    ParsersUnavailable: catalogue.BUSY,
}

#: Problems of `consents.ConsentMissing`, by subject.
_NOT_AGREED: Final = {
    "calendar-sharing": catalogue.SHARING_NOT_AGREED,
    "local-calendar": catalogue.LOCAL_CALENDAR_NOT_AGREED,
}

#: Paths outside of the API that answer an error with a problem document.
PROGRAM_PATHS: Final = ("/oauth/token", "/oauth/revoke")
#: Exceptions of Django and Django REST framework. Django itself answers them on pages.
FRAMEWORK_PROBLEMS: Final[dict[type[Exception], ProblemType]] = {
    Http404: catalogue.NOT_FOUND,
    exceptions.NotFound: catalogue.NOT_FOUND,
    exceptions.NotAuthenticated: catalogue.NOT_AUTHENTICATED,
    exceptions.AuthenticationFailed: catalogue.NOT_AUTHENTICATED,
    ReauthenticationNeeded: catalogue.REAUTHENTICATION_NEEDED,
    PermissionDenied: catalogue.NOT_PERMITTED,
    exceptions.PermissionDenied: catalogue.NOT_PERMITTED,
    exceptions.MethodNotAllowed: catalogue.METHOD_NOT_ALLOWED,
    exceptions.UnsupportedMediaType: catalogue.UPLOAD_MEDIA_TYPE,
    exceptions.Throttled: catalogue.RATE_LIMITED,
    exceptions.ValidationError: catalogue.BAD_REQUEST,
    exceptions.ParseError: catalogue.BAD_REQUEST,
    # A form body above Django's memory limit; no operation accepts forms.
    RequestDataTooBig: catalogue.BAD_REQUEST,
}


def find_problem(error: Exception) -> ProblemType | None:
    """Return None for a bug."""
    problem = _look_up(PROBLEMS, error)
    if isinstance(error, consents.ConsentMissing):
        problem = _NOT_AGREED.get(error.subject, problem)
    # The client may retry. Details are logged for the operator.
    if isinstance(error, ParsersBusy):
        logger.warning("parsers.busy")
    elif isinstance(error, ParsersUnavailable):
        logger.error("parsers.cannot_run")
    elif problem is catalogue.BUSY:
        logger.error("database.failed", extra={"error": type(error.__cause__ or error).__name__})
    return problem


def find_framework_problem(error: Exception) -> ProblemType | None:
    return _look_up(FRAMEWORK_PROBLEMS, error)


def _look_up(table: dict[type[Exception], ProblemType], error: Exception) -> ProblemType | None:
    return next((table[kind] for kind in type(error).__mro__ if kind in table), None)
