"""
The texts of all problems of the API and pages.

`integrations.urls.error_table` maps exceptions to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from limited_use.policy.claims import claim


@dataclass(frozen=True, slots=True)
class ProblemType:
    """
    `code` is the last part of the RFC 9457 `type`. No problem copies a provider's 401: a client
    would take it for its own sign-in.

    :param retry_after: seconds until the request may be repeated
    """

    status: int
    code: str
    title: str
    says: str
    retry_after: int | None = None


# Connections and agreements.
NO_LONGER_CONNECTED: Final = ProblemType(
    409, "no-longer-connected", "It was disconnected meanwhile.", "Show what is connected now."
)
NOT_CONNECTED: Final = ProblemType(
    404, "not-connected", "Nothing is connected here.", "Show what is connected."
)
UNKNOWN_PROVIDER: Final = ProblemType(
    404, "unknown-provider", "There is nothing of that name.", "Choose one that is offered."
)
NOT_A_CHOICE: Final = ProblemType(
    400, "not-a-choice", "That is not one of the choices.", "Choose one that the page offers."
)
NOT_AGREED: Final = ProblemType(
    409,
    "not-agreed",
    "You have not agreed to what is asked for.",
    "Read what is asked for as it is now, and agree.",
)
SHARING_NOT_AGREED: Final = ProblemType(
    409,
    "not-agreed",
    "You have not agreed to what sharing is.",
    "Read what it is as it reads now, and agree.",
)
LOCAL_CALENDAR_NOT_AGREED: Final = ProblemType(
    409,
    "not-agreed",
    "You have not agreed to what calendars are here.",
    "Read what it is as it reads now, and agree.",
)
AGREEMENT_OUTDATED: Final = ProblemType(
    409,
    "not-agreed",
    "What we ask for has changed.",
    "Read what is asked for as it is now, and agree.",
)
END_IN_THE_PAST: Final = ProblemType(
    400, "end-in-the-past", "That end lies behind.", "Choose one that lies ahead, or none."
)

# Mail and calendars: reading.
INVALID_CURSOR: Final = ProblemType(
    400,
    "invalid-cursor",
    "That cursor is not for this list.",
    "Drop it and begin without one.",
)
EXPIRED_CURSOR: Final = ProblemType(
    410, "expired-cursor", "That cursor has expired.", "Begin again without one."
)
WINDOW_TOO_LONG: Final = ProblemType(
    400,
    "window-too-long",
    "That is too long a time.",
    "At most a hundred days are shown at once: ask for less.",
)
BAD_WINDOW: Final = ProblemType(
    400,
    "bad-window",
    "There is no such time.",
    "It ends before it starts, or lies where no calendar reaches.",
)
UNKNOWN_TIMEZONE: Final = ProblemType(
    400,
    "unknown-timezone",
    "There is no such time zone.",
    "Name it as in Europe/Berlin, by the IANA database.",
)
COPY_NOT_CURRENT: Final = ProblemType(
    503,
    "copy-not-current",
    "The copy of this calendar is too old to be shown.",
    "A new one has been asked for. Try again in a moment.",
)

# Calendars: writing.
CHANGED: Final = ProblemType(
    412,
    "changed-meanwhile",
    "It was changed meanwhile.",
    claim("write.changed", "Nothing was written. Read it as it is now, and decide anew."),
)
EVENTS_CHANGED: Final = ProblemType(
    409,
    "changed-meanwhile",
    "It was changed meanwhile.",
    "Read it again, then try again.",
)
IF_MATCH_NEEDED: Final = ProblemType(
    428,
    "if-match-needed",
    "It was not said which version is meant.",
    claim(
        "problem.if-match",
        "Read the event, and send its ETag as If-Match: nothing is written over what nobody saw.",
    ),
)
TOO_MANY_CALENDARS: Final = ProblemType(
    409, "too-many-calendars", "There are too many calendars.", "Remove one first."
)
NO_NAME: Final = ProblemType(
    400, "no-name", "A calendar has a name.", "Give it one of at most 200 characters."
)
CALENDAR_FULL: Final = ProblemType(
    409,
    "calendar-full",
    "The calendar would hold too much.",
    "It holds 20,000 events at most: remove some, or begin another one.",
)
UNREADABLE_FILE: Final = ProblemType(
    422,
    "unreadable-file",
    "This file cannot be read.",
    claim(
        "import.unreadable",
        "Nothing of it was taken. `errors` says which lines are in the way.",
    ),
)
READ_ONLY: Final = ProblemType(
    403, "read-only", "This calendar may only be read.", "Choose one that is yours to write."
)
WRITE_PERMISSION_MISSING: Final = ProblemType(
    409,
    "more-consent",
    "This needs a permission that was not given.",
    claim(
        "write.no-permission",
        "Allow writing events in Settings, at the account, if you want this. Nothing was written.",
    ),
)
NOT_ORGANIZER: Final = ProblemType(
    403,
    "not-organizer",
    "Only whoever organises it may change that.",
    "Answer the invitation, or ask them.",
)
NOT_INVITED: Final = ProblemType(
    409, "not-invited", "There is no invitation to answer.", "Only whoever is invited answers."
)
GUESTS_ARE_TOLD: Final = ProblemType(
    422,
    "guests-are-told",
    "The provider tells guests of it, whoever asks not to.",
    claim("write.guests-told", 'Ask for it with `notify` "all", or leave it. Nothing was written.'),
)
REFUSED_BY_PROVIDER: Final = ProblemType(
    422,
    "refused-by-provider",
    "The provider does not accept that.",
    claim(
        "write.refused",
        "It will not if it is asked again: change what is asked for. Nothing was written.",
    ),
)
OCCURRENCE_GONE: Final = ProblemType(
    410, "gone", "It is no longer there.", "The series has no such occurrence: read it again."
)
NOT_FREE: Final = ProblemType(
    409,
    "not-free",
    "They are not free then.",
    claim(
        "write.not-free",
        "Or nobody can tell. Choose another time, or leave `require_free` out to write it all"
        " the same. Nothing was written.",
    ),
)
HALF_DONE: Final = ProblemType(
    503,
    "half-done",
    "Half of it is done.",
    claim(
        "write.half-done",
        "What follows was begun; whether the series before it was ended is not known. Ask for"
        " the same again: that finishes it, and makes nothing twice.",
    ),
)
EVENT_KEY_REUSED: Final = ProblemType(
    422,
    "key-reused",
    "That key wrote another event before.",
    "Take a new Idempotency-Key for each event.",
)
KEY_REUSED: Final = ProblemType(
    422,
    "key-reused",
    "That key came with another request before.",
    "Take a new Idempotency-Key for each that is to be made.",
)
IN_PROGRESS: Final = ProblemType(
    409,
    "in-progress",
    "The same request is being answered now.",
    claim(
        "write.in-progress",
        "Send it again after as many seconds as Retry-After says, under the same key: nothing"
        " is done twice.",
    ),
)
CREATED_EVENT_GONE: Final = ProblemType(
    410,
    "gone",
    "It was written, and is no longer there under its id.",
    claim(
        "write.gone-since",
        "It was removed since, or the copy of its calendar is a new one: read them again."
        " Nothing was written twice.",
    ),
)

# Sealed values and the key store.
DAMAGED: Final = ProblemType(
    422,
    "damaged",
    "This does not open here any more.",
    claim(
        "open.damaged",
        "What is stored of it in Antares was changed. What came from a provider is there as it"
        " was. We have been told.",
    ),
)
KEY_STORE_UNAVAILABLE: Final = ProblemType(
    503,
    "key-store-unavailable",
    "Nothing can be opened now.",
    claim(
        "open.keys-away",
        "Where the keys are kept does not answer. Nothing is lost: try again later.",
    ),
)

# Provider responses.
RECONNECT: Final = ProblemType(
    409, "reconnect", "Please connect this account again.", "Access ended at the provider."
)
MORE_CONSENT: Final = ProblemType(
    409,
    "more-consent",
    "This needs a permission that was not given.",
    "Connect again and give it, if you want this.",
)
PROVIDER_UNAVAILABLE: Final = ProblemType(
    503,
    "provider-unavailable",
    "The provider is not answering now.",
    "It goes on by itself. Try again later.",
)
PROVIDER_RATE_LIMITED: Final = ProblemType(
    503,
    "provider-rate-limited",
    "The provider asks us to slow down.",
    "It goes on by itself. Try again later.",
)
APP_MISCONFIGURED: Final = ProblemType(
    503, "app-misconfigured", "We have a problem on our side.", "We have been told."
)
ADMIN_BLOCKED: Final = ProblemType(
    409,
    "admin-blocked",
    "The account's administrator does not allow this.",
    "Ask whoever manages the account.",
)
NO_MAILBOX: Final = ProblemType(
    409, "no-mailbox", "This account has no mailbox.", "Connect another account."
)
GONE_AT_PROVIDER: Final = ProblemType(
    410,
    "gone",
    "It no longer exists at the provider.",
    "It goes here, too, with the next sync.",
)
UNREADABLE_ITEM: Final = ProblemType(
    422, "unreadable", "This item cannot be read.", "Open it at the provider."
)
OUTCOME_UNKNOWN: Final = ProblemType(
    503,
    "outcome-unknown",
    "It is not known whether that happened.",
    "Look at the provider before you try again.",
)
ALREADY_THERE: Final = ProblemType(
    409,
    "already-there",
    "It is there already.",
    "An earlier try wrote it, and it was changed since. Read it as it is now.",
)

# Limits of this service.
# 429, not 503: the person's own requests are the cause, and no other person is refused.
TOO_MANY_WAITS: Final = ProblemType(
    429,
    "too-many-waits",
    "Two of your requests wait for a provider already.",
    claim(
        "problem.too-many-waits",
        "Nothing was done. Send it again when one of them has been answered.",
    ),
    retry_after=2,
)
TOO_MANY_DOWNLOADS: Final = ProblemType(
    429,
    "too-many-downloads",
    "You download two files already.",
    "Begin this one when one of them has ended.",
    retry_after=5,
)
RATE_LIMITED: Final = ProblemType(
    429,
    "rate-limited",
    "Too many requests.",
    "Wait for as long as Retry-After says.",
)
BUSY: Final = ProblemType(
    503,
    "busy",
    "That cannot be done at the moment.",
    claim(
        "write.busy",
        "We could not do it in time. Send it again in a moment, under the same Idempotency-Key"
        " where it has one: nothing is done twice.",
    ),
    retry_after=5,
)

# Requests that reach no operation, and refusals of the policy.
LIMITED_USE_REFUSED: Final = ProblemType(
    403,
    "limited-use-refused",
    "Provider data is not used for this purpose.",
    claim(
        "problem.refused",
        "The policy refuses this use. The answer names the rule, the clauses it comes from and"
        " the entry in the ledger where the refusal is recorded.",
    ),
)
NOT_FOUND: Final = ProblemType(
    404,
    "not-found",
    "There is nothing here.",
    "It does not exist, or it is not yours: the answer is the same for both.",
)
NOT_AUTHENTICATED: Final = ProblemType(
    401,
    "not-authenticated",
    "Nobody is signed in.",
    "Sign in, or send a valid access token.",
)
NOT_PERMITTED: Final = ProblemType(
    403,
    "not-permitted",
    "That is not allowed.",
    "Your role does not allow it, a second factor is missing, or the form was not ours.",
)
SECOND_FACTOR_NEEDED: Final = ProblemType(
    403,
    "second-factor-needed",
    "Staff need a second factor in this session.",
    "Set one up, or show it, on the account pages; then call again.",
)
REAUTHENTICATION_NEEDED: Final = ProblemType(
    403,
    "reauthentication-needed",
    "Please confirm that it is you.",
    "Confirm on the account pages (with your second factor, if you have set one up), then call"
    " again within a few minutes.",
)
METHOD_NOT_ALLOWED: Final = ProblemType(
    405,
    "method-not-allowed",
    "This address does not answer that method.",
    "The OpenAPI document lists the methods of each address.",
)
TOO_LARGE: Final = ProblemType(
    413,
    "too-large",
    "The body is too large.",
    "`detail` names the largest body of this address, in bytes. Nothing was done.",
)
TOO_SLOW: Final = ProblemType(
    408,
    "too-slow",
    "The body did not arrive in time.",
    "Send it again, without pauses.",
    retry_after=1,
)
BAD_REQUEST: Final = ProblemType(
    400,
    "bad-request",
    "The request was not understood.",
    "A parameter is unknown, repeated or out of bounds: `errors` says which. Without them, the"
    " body is no JSON, or more of it than any question here takes.",
)
UNEXPECTED: Final = ProblemType(
    500,
    "unexpected",
    "Something went wrong on our side.",
    "We have been told. Name the request id if you ask about it.",
)

#: If several problems share a code, its page shows the one in this list.
EXPLAINED: Final[dict[str, ProblemType]] = {
    problem.code: problem
    for problem in (
        NO_LONGER_CONNECTED,
        NOT_CONNECTED,
        UNKNOWN_PROVIDER,
        NOT_A_CHOICE,
        LOCAL_CALENDAR_NOT_AGREED,
        END_IN_THE_PAST,
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
