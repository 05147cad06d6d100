"""
The texts of all problems of the API and pages.

`integrations.urls.error_table` maps exceptions to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class ProblemType:
    """
    `code` is the last part of the RFC 9457 `type`. No problem copies a provider's 401: a client
    would take it for its own sign-in.

    :param retry_after: seconds until the request may be repeated
    :param is_solved_in_settings: whether the page leads to Settings
    """

    status: int
    code: str
    title: StrOrPromise
    says: StrOrPromise
    retry_after: int | None = None
    is_solved_in_settings: bool = False


# Connections and agreements.
NO_LONGER_CONNECTED: Final = ProblemType(
    409,
    "no-longer-connected",
    _("This account is no longer connected."),
    _("Settings shows which accounts are connected."),
    is_solved_in_settings=True,
)
NOT_CONNECTED: Final = ProblemType(
    404,
    "not-connected",
    _("This account is not connected."),
    _("Settings shows which accounts are connected."),
    is_solved_in_settings=True,
)
UNKNOWN_PROVIDER: Final = ProblemType(
    404,
    "unknown-provider",
    _("No provider has this name."),
    _("Choose one of the providers that Antares offers."),
)
NOT_A_CHOICE: Final = ProblemType(
    400,
    "not-a-choice",
    _("This value is not one of the choices."),
    _("Choose one of the values that the page offers."),
)
NOT_AGREED: Final = ProblemType(
    409,
    "not-agreed",
    _("You have not agreed to this use of your data."),
    _("Read the current text and agree to it."),
    is_solved_in_settings=True,
)
SHARING_NOT_AGREED: Final = ProblemType(
    409,
    "not-agreed",
    _("You have not agreed to calendar sharing."),
    _("Read the current text about sharing and agree to it."),
    is_solved_in_settings=True,
)
LOCAL_CALENDAR_NOT_AGREED: Final = ProblemType(
    409,
    "not-agreed",
    _("You have not agreed to Antares calendars."),
    _("Read the current text about Antares calendars and agree to it."),
    is_solved_in_settings=True,
)
AGREEMENT_OUTDATED: Final = ProblemType(
    409,
    "not-agreed",
    _("The text that you agreed to has changed."),
    _("Read the current text and agree to it."),
    is_solved_in_settings=True,
)
END_IN_THE_PAST: Final = ProblemType(
    400,
    "end-in-the-past",
    _("The end date is in the past."),
    _("Choose a date in the future, or no end date."),
)

# Service clients.
REMOVALS_OVERDUE: Final = ProblemType(
    403,
    "removals-overdue",
    claim(
        "problem.removals-unconfirmed",
        _("This feature has not confirmed that it deleted its copies."),
    ),
    claim(
        "problem.removals-overdue",
        _(
            "It gets no data until it has. Its client lists the removals with GET /v1/removals, and"
            " acknowledges each."
        ),
    ),
)

# Mail and calendars: reading.
INVALID_CURSOR: Final = ProblemType(
    400,
    "invalid-cursor",
    _("This cursor is not valid, or belongs to another list or other filters."),
    _("Send the request without a cursor."),
)
EXPIRED_CURSOR: Final = ProblemType(
    410,
    "expired-cursor",
    _("This cursor has expired."),
    _("Send the request without a cursor."),
)
WINDOW_TOO_LONG: Final = ProblemType(
    400,
    "window-too-long",
    _("The time range is too long."),
    _("Ask for at most 100 days."),
)
BAD_WINDOW: Final = ProblemType(
    400,
    "bad-window",
    _("The time range is not valid."),
    _("The end must be after the start, and both must be dates that a calendar can hold."),
)
UNKNOWN_TIMEZONE: Final = ProblemType(
    400,
    "unknown-timezone",
    _("This time zone does not exist."),
    _("Use a name of the IANA database, such as Europe/Berlin."),
)
COPY_NOT_CURRENT: Final = ProblemType(
    503,
    "copy-not-current",
    _("The copy of this calendar is out of date."),
    _("Antares is fetching a new copy. Try again in a moment."),
)

# Calendars: writing.
CHANGED: Final = ProblemType(
    412,
    "changed-meanwhile",
    _("The event was changed by someone else."),
    claim("write.changed", _("Nothing was saved. Read the current event and try again.")),
)
EVENTS_CHANGED: Final = ProblemType(
    409,
    "changed-meanwhile",
    _("The events were changed by someone else."),
    _("Read them again, then try again."),
)
IF_MATCH_NEEDED: Final = ProblemType(
    428,
    "if-match-needed",
    _("The request names no version."),
    claim(
        "problem.if-match",
        _(
            "Read the event and send its ETag as If-Match. Nothing is written over a change that"
            " you have not seen."
        ),
    ),
)
TOO_MANY_CALENDARS: Final = ProblemType(
    409,
    "too-many-calendars",
    _("You have too many Antares calendars."),
    _("Remove one first."),
)
NO_NAME: Final = ProblemType(
    400,
    "no-name",
    _("The calendar needs a name."),
    _("Enter a name of at most 200 characters."),
)
CALENDAR_FULL: Final = ProblemType(
    409,
    "calendar-full",
    _("The calendar is full."),
    _("A calendar holds at most 20,000 events. Remove some, or create another calendar."),
)
UNREADABLE_FILE: Final = ProblemType(
    422,
    "unreadable-file",
    _("This file cannot be read."),
    claim("import.unreadable", _("Nothing was imported. `errors` lists the lines with problems.")),
)
READ_ONLY: Final = ProblemType(
    403,
    "read-only",
    _("This calendar is view-only."),
    _("Choose a calendar that you may edit."),
)
WRITE_PERMISSION_MISSING: Final = ProblemType(
    409,
    "more-consent",
    _("Antares has no permission to edit events."),
    claim(
        "write.no-permission", _("Nothing was saved. Grant permission to edit events in Settings.")
    ),
    is_solved_in_settings=True,
)
NOT_ORGANIZER: Final = ProblemType(
    403,
    "not-organizer",
    _("Only the organiser can change this event."),
    _("Answer the invitation, or ask the organiser."),
)
NOT_INVITED: Final = ProblemType(
    409,
    "not-invited",
    _("You are not invited to this event."),
    _("Only attendees can answer an invitation."),
)
GUESTS_ARE_TOLD: Final = ProblemType(
    422,
    "guests-are-told",
    _("The provider always tells the attendees of this change."),
    claim(
        "write.guests-told",
        _('Nothing was saved. Repeat the request with `notify` "all", or change nothing.'),
    ),
)
REFUSED_BY_PROVIDER: Final = ProblemType(
    422,
    "refused-by-provider",
    _("The provider does not accept this change."),
    claim(
        "write.refused",
        _(
            "Nothing was saved. The provider will refuse the same request again, so change it"
            " first."
        ),
    ),
)
OCCURRENCE_GONE: Final = ProblemType(
    410,
    "gone",
    _("This occurrence no longer exists."),
    _("The series has no occurrence at this time. Read the series again."),
)
NOT_FREE: Final = ProblemType(
    409,
    "not-free",
    _("Not everyone is free at this time."),
    claim(
        "write.not-free",
        _(
            "Nothing was saved. Someone is busy, or their times are unknown. Choose another"
            " time, or leave out `require_free`."
        ),
    ),
)
HALF_DONE: Final = ProblemType(
    503,
    "half-done",
    _("Only part of the change was saved."),
    claim(
        "write.half-done",
        _(
            "The new series was started, but it is not known whether the old one was ended. Send"
            " the same request again: it completes the change and creates nothing twice."
        ),
    ),
)
EVENT_KEY_REUSED: Final = ProblemType(
    422,
    "key-reused",
    _("This Idempotency-Key was used for another event."),
    _("Use a new Idempotency-Key for each event."),
)
KEY_REUSED: Final = ProblemType(
    422,
    "key-reused",
    _("This Idempotency-Key was used for another request."),
    _("Use a new Idempotency-Key for each object that you create."),
)
IN_PROGRESS: Final = ProblemType(
    409,
    "in-progress",
    _("The same request is still being processed."),
    claim(
        "write.in-progress",
        _(
            "Send it again after the seconds in Retry-After, with the same key. Nothing is done"
            " twice."
        ),
    ),
)
CREATED_OBJECT_GONE: Final = ProblemType(
    410,
    "gone",
    _("It was created, but is no longer available under its id."),
    claim(
        "write.gone-since",
        _(
            "It was removed, or Antares replaced its copy of the calendar. Read the list again."
            " Nothing was created twice."
        ),
    ),
)

# Sending.
SENDING_NOT_ALLOWED: Final = ProblemType(
    409,
    "sending-not-allowed",
    _("Antares may not send from this account."),
    claim(
        "problem.sending-not-allowed",
        _("Nothing was sent. Agree to sending, and allow it at your provider."),
    ),
    is_solved_in_settings=True,
)
MESSAGE_LEFT: Final = ProblemType(
    409,
    "message-left",
    _("The message can no longer be taken back."),
    _("It has left the outbox, or is leaving it. Read it again to see its state."),
)
MESSAGE_OPEN: Final = ProblemType(
    409,
    "message-open",
    _("The message waits or is on its way."),
    claim(
        "problem.message-open",
        _("Nothing was deleted. Undo the message, or wait until it is no longer on its way."),
    ),
)
OUTCOME_KNOWN: Final = ProblemType(
    409,
    "outcome-known",
    _("The state of this message is known."),
    _("Only a message whose outcome is unknown can be looked for or settled."),
)

# Files to send.
UPLOAD_VERSION: Final = ProblemType(
    412,
    "upload-version",
    _("The request names no version of the upload protocol, or an unknown one."),
    _("Send the header Tus-Resumable: 1.0.0."),
)
UPLOAD_LOCKED: Final = ProblemType(
    423,
    "upload-locked",
    _("Another request is sending this file."),
    _("Ask with HEAD how much has arrived, and continue from there."),
    retry_after=2,
)
UPLOAD_OFFSET: Final = ProblemType(
    409,
    "upload-offset",
    _("The request does not continue where the file ends."),
    _("Ask with HEAD how much has arrived, and continue from there."),
)
UPLOAD_EXPIRED: Final = ProblemType(
    410,
    "upload-expired",
    _("This file has been waiting for too long."),
    claim("upload.expired", _("Files that are not sent are deleted after a day. Add it again.")),
)
FILE_TOO_LARGE: Final = ProblemType(
    413,
    "file-too-large",
    _("The file is too large."),
    _("It is larger than allowed, or larger than its announced size."),
)
UPLOADS_FULL: Final = ProblemType(
    409,
    "too-many-files",
    _("Too many files are waiting."),
    _("Send other files of this mailbox first, or take them out of their messages."),
)
UPLOAD_FRAGMENTED: Final = ProblemType(
    422,
    "upload-fragmented",
    _("The file arrived in too many small pieces."),
    _("Add it again over a better connection."),
)
FILE_NOT_READY: Final = ProblemType(
    409,
    "file-not-ready",
    _("A file is incomplete or no longer available."),
    _("Add it again."),
)
UPLOAD_MEDIA_TYPE: Final = ProblemType(
    415,
    "wrong-media-type",
    _("This address does not accept this type of body."),
    _("Send the bytes of a file as application/offset+octet-stream."),
)
UPLOAD_CHECKSUM: Final = ProblemType(
    460,
    "upload-checksum",
    _("The bytes differ from their checksum."),
    claim(
        "file-upload.damaged",
        _("They were damaged on the way, and nothing of them was kept. Send them again."),
    ),
)
UPLOAD_ALGORITHM: Final = ProblemType(
    400,
    "upload-algorithm",
    _("This checksum algorithm is not supported."),
    _("Use one that OPTIONS names in Tus-Checksum-Algorithm."),
)
UPLOAD_LENGTH: Final = ProblemType(
    411,
    "upload-length",
    _("The request does not say how long its body is."),
    _("Send the header Content-Length."),
)
UPLOAD_PIECE: Final = ProblemType(
    422,
    "upload-piece-too-small",
    _("The piece is too small."),
    _("Send the file in one request, or in at most 1,000 pieces of whole 262,144 bytes."),
)
UPLOAD_PAUSED: Final = ProblemType(
    409,
    "upload-paused",
    _("The upload is paused."),
    _("Resume it first."),
)
UPLOAD_NOT_OPEN: Final = ProblemType(
    409,
    "upload-not-open",
    _("The upload takes no bytes."),
    _("It is done, has ended, or waits for its owner's decision. Its state says which."),
)
FILE_UPLOADED_BEFORE: Final = ProblemType(
    409,
    "file-uploaded-before",
    _("A file of this name and size was uploaded before."),
    claim("file-upload.again", _("Upload it again with again=true; both files are kept.")),
)
UPLOAD_QUEUE_FULL: Final = ProblemType(
    409,
    "upload-queue-full",
    _("Too many uploads are unfinished."),
    _("Finish or cancel some of them first."),
)
UPLOAD_FAILED: Final = ProblemType(
    422,
    "upload-failed",
    _("The file cannot be put into the Drive."),
    _("The field problem of the file says why."),
)
STORAGE_FULL: Final = ProblemType(
    413,
    "storage-full",
    _("The Drive has no room for this file."),
    _("Delete something in the Drive, or buy storage there, and upload the file again."),
)
UPLOAD_SESSION_ENDED: Final = ProblemType(
    503,
    "upload-session-ended",
    _("The provider ended this upload."),
    _("Ask with HEAD how much has arrived, and continue from there."),
    retry_after=2,
)
TOO_MANY_UPLOADS: Final = ProblemType(
    429,
    "too-many-uploads",
    _("You are already sending two files."),
    _("Send this one when one of them is finished."),
    retry_after=2,
)

# Sealed values and the key store.
DAMAGED: Final = ProblemType(
    422,
    "damaged",
    _("This item cannot be decrypted."),
    claim(
        "open.damaged",
        _(
            "The copy that Antares stores is damaged. An original at Google or Microsoft is not"
            " affected. Our operators were notified."
        ),
    ),
)
KEY_STORE_UNAVAILABLE: Final = ProblemType(
    503,
    "key-store-unavailable",
    _("Antares cannot decrypt your data right now."),
    claim("open.keys-away", _("No data is lost. Try again in a moment.")),
)

# Provider responses.
RECONNECT: Final = ProblemType(
    409,
    "reconnect",
    _("This account must be reconnected."),
    _("Antares no longer has access at the provider. Reconnect the account in Settings."),
    is_solved_in_settings=True,
)
MORE_CONSENT: Final = ProblemType(
    409,
    "more-consent",
    _("A permission is missing."),
    _("Grant the permission in Settings."),
    is_solved_in_settings=True,
)
PROVIDER_UNAVAILABLE: Final = ProblemType(
    503,
    "provider-unavailable",
    _("The provider does not answer."),
    _("Google or Microsoft did not answer in time. Try again in a few minutes."),
)
PROVIDER_RATE_LIMITED: Final = ProblemType(
    503,
    "provider-rate-limited",
    _("The provider asks Antares to slow down."),
    _("Try again in a few minutes."),
)
APP_MISCONFIGURED: Final = ProblemType(
    503,
    "app-misconfigured",
    _("Antares has a configuration problem."),
    _("Our operators were notified."),
)
ADMIN_BLOCKED: Final = ProblemType(
    409,
    "admin-blocked",
    _("The administrator of this account does not allow Antares."),
    _("Ask the administrator to allow Antares, then connect the account again."),
    is_solved_in_settings=True,
)
NO_MAILBOX: Final = ProblemType(
    409,
    "no-mailbox",
    _("This account has no mailbox."),
    _("Connect another account."),
    is_solved_in_settings=True,
)
GONE_AT_PROVIDER: Final = ProblemType(
    410,
    "gone",
    _("This item no longer exists."),
    _("It was deleted, or it was moved. It soon disappears from Antares."),
)
UNREADABLE_ITEM: Final = ProblemType(
    422,
    "unreadable",
    _("This item cannot be read."),
    _("Open it at the provider."),
)
OUTCOME_UNKNOWN: Final = ProblemType(
    503,
    "outcome-unknown",
    _("It is not known whether the change was saved."),
    _("Check at the provider before you try again."),
)
ALREADY_THERE: Final = ProblemType(
    409,
    "already-there",
    _("The event already exists."),
    _(
        "An earlier attempt created it, and it has been changed since. Open the event to see it as"
        " it is now."
    ),
)

# Limits of this service.
# 429, not 503: the person's own requests are the cause, and no other person is refused.
TOO_MANY_WAITS: Final = ProblemType(
    429,
    "too-many-waits",
    _("Two of your requests are waiting for a provider."),
    claim(
        "problem.too-many-waits",
        _("Nothing was done. Send this request again when one of them is finished."),
    ),
    retry_after=2,
)
TOO_MANY_DOWNLOADS: Final = ProblemType(
    429,
    "too-many-downloads",
    _("You are already downloading two files."),
    _("Start this download when one of them is finished."),
    retry_after=5,
)
RATE_LIMITED: Final = ProblemType(
    429,
    "rate-limited",
    _("Too many requests."),
    _("Wait for the seconds in Retry-After."),
)
UNUSUAL_VOLUME: Final = ProblemType(
    429,
    "unusual-volume",
    _("The client makes far more requests than it usually does."),
    _(
        "It made far more requests in this hour than in its usual hours. Our operators were"
        " notified. Wait for the seconds in Retry-After, or ask them to allow it."
    ),
)
BUSY: Final = ProblemType(
    503,
    "busy",
    _("Antares is busy."),
    claim(
        "write.busy",
        _(
            "Antares could not finish in time. Try again in a moment. An API client sends the same"
            " Idempotency-Key again, so that nothing is done twice."
        ),
    ),
    retry_after=5,
)

# Requests that reach no operation, and refusals of the policy.
LIMITED_USE_REFUSED: Final = ProblemType(
    403,
    "limited-use-refused",
    _("Provider data may not be used for this purpose."),
    claim(
        "problem.refused",
        _(
            "The policy refuses this use. The response names the rule, its clauses, and the"
            " ledger entry of the refusal."
        ),
    ),
)
NOT_FOUND: Final = ProblemType(
    404,
    "not-found",
    _("Not found."),
    _("It does not exist, or it belongs to someone else. The response is the same in both cases."),
)
NOT_AUTHENTICATED: Final = ProblemType(
    401,
    "not-authenticated",
    _("You are not signed in."),
    _("Sign in, or send a valid access token."),
)
NOT_PERMITTED: Final = ProblemType(
    403,
    "not-permitted",
    _("You are not allowed to do this."),
    _(
        "Your role does not allow it, a second factor is missing, or the form came from another"
        " site."
    ),
)
SECOND_FACTOR_NEEDED: Final = ProblemType(
    403,
    "second-factor-needed",
    _("Staff need a second factor in this session."),
    _(
        "Set up a second factor or enter its code on the account pages, then send the request"
        " again."
    ),
)
REAUTHENTICATION_NEEDED: Final = ProblemType(
    403,
    "reauthentication-needed",
    _("Confirm that it is you."),
    _(
        "Confirm on the account pages, with your second factor if you have one. Then send the"
        " request again within a few minutes."
    ),
)
METHOD_NOT_ALLOWED: Final = ProblemType(
    405,
    "method-not-allowed",
    _("This address does not support this method."),
    _("The OpenAPI document lists the methods of each address."),
)
TOO_LARGE: Final = ProblemType(
    413,
    "too-large",
    _("The request body is too large."),
    _("`detail` names the largest body of this address, in bytes. Nothing was done."),
)
TOO_SLOW: Final = ProblemType(
    408,
    "too-slow",
    _("The request body did not arrive in time."),
    _("Send the request again, without pauses."),
    retry_after=1,
)
BAD_REQUEST: Final = ProblemType(
    400,
    "bad-request",
    _("The request is not valid."),
    _(
        "`errors` lists each parameter and member with a problem, and says what is wrong. A problem"
        " without `errors` is about the whole request, such as a body that is not valid JSON."
    ),
)
UNEXPECTED: Final = ProblemType(
    500,
    "unexpected",
    _("Something went wrong in Antares."),
    _("Our operators were notified. If you contact support, give the time and the request id."),
)

#: If several problems share a code, its page shows the one in this list.
EXPLAINED: Final[dict[str, ProblemType]] = {
    problem.code: problem
    for problem in (
        NO_LONGER_CONNECTED,
        NOT_CONNECTED,
        UNKNOWN_PROVIDER,
        NOT_A_CHOICE,
        NOT_AGREED,
        END_IN_THE_PAST,
        REMOVALS_OVERDUE,
        INVALID_CURSOR,
        EXPIRED_CURSOR,
        WINDOW_TOO_LONG,
        BAD_WINDOW,
        UNKNOWN_TIMEZONE,
        COPY_NOT_CURRENT,
        CHANGED,
        IF_MATCH_NEEDED,
        TOO_MANY_CALENDARS,
        NO_NAME,
        CALENDAR_FULL,
        UNREADABLE_FILE,
        READ_ONLY,
        NOT_ORGANIZER,
        NOT_INVITED,
        GUESTS_ARE_TOLD,
        REFUSED_BY_PROVIDER,
        NOT_FREE,
        HALF_DONE,
        KEY_REUSED,
        IN_PROGRESS,
        SENDING_NOT_ALLOWED,
        MESSAGE_LEFT,
        MESSAGE_OPEN,
        OUTCOME_KNOWN,
        UPLOAD_VERSION,
        UPLOAD_LOCKED,
        UPLOAD_OFFSET,
        UPLOAD_EXPIRED,
        FILE_TOO_LARGE,
        UPLOADS_FULL,
        UPLOAD_FRAGMENTED,
        FILE_NOT_READY,
        UPLOAD_MEDIA_TYPE,
        UPLOAD_CHECKSUM,
        UPLOAD_ALGORITHM,
        UPLOAD_LENGTH,
        UPLOAD_PIECE,
        UPLOAD_PAUSED,
        UPLOAD_NOT_OPEN,
        FILE_UPLOADED_BEFORE,
        UPLOAD_QUEUE_FULL,
        UPLOAD_FAILED,
        STORAGE_FULL,
        UPLOAD_SESSION_ENDED,
        TOO_MANY_UPLOADS,
        DAMAGED,
        KEY_STORE_UNAVAILABLE,
        RECONNECT,
        MORE_CONSENT,
        PROVIDER_UNAVAILABLE,
        PROVIDER_RATE_LIMITED,
        APP_MISCONFIGURED,
        ADMIN_BLOCKED,
        NO_MAILBOX,
        GONE_AT_PROVIDER,
        UNREADABLE_ITEM,
        OUTCOME_UNKNOWN,
        ALREADY_THERE,
        TOO_MANY_WAITS,
        TOO_MANY_DOWNLOADS,
        RATE_LIMITED,
        UNUSUAL_VOLUME,
        BUSY,
        LIMITED_USE_REFUSED,
        NOT_FOUND,
        NOT_AUTHENTICATED,
        NOT_PERMITTED,
        SECOND_FACTOR_NEEDED,
        REAUTHENTICATION_NEEDED,
        METHOD_NOT_ALLOWED,
        TOO_LARGE,
        TOO_SLOW,
        BAD_REQUEST,
        UNEXPECTED,
    )
}
