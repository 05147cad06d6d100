"""Every foreseen exception in the words of API and pages: one table, read in one place."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from django.db import InterfaceError, OperationalError

from integrations import concurrency, connections, fences, idempotency, zones
from integrations.almanac.expansion import BadWindow
from integrations.asking import NotFound
from integrations.calendars import agenda, keeping, local, sharing, single, versions
from integrations.calendars.events import errors as event_errors
from integrations.icalendars.problems import Unreadable
from integrations.inbox import cursors
from integrations.parsers.pool import Busy, CannotRun
from integrations.providers import errors
from limited_use import consents, shares
from limited_use.claims import claim
from limited_use.vault.keyring import KeyStoreUnavailable
from limited_use.vault.keys import Destroyed
from limited_use.vault.records import Damaged, Unopenable

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Problem:
    """
    HTTP status, code (the last part of its RFC 9457 `type`), title and a sentence for people.

    A provider's 401 is never ours: a client would take it for its own sign-in.

    :param retry_after: seconds to wait before the request is sent again; None: not said
    """

    status: int
    code: str
    title: str
    says: str
    retry_after: int | None = None


_GONE: Final = Problem(
    409, "no-longer-connected", "It was disconnected meanwhile.", "Show what is connected now."
)
_NOTHING: Final = Problem(
    404,
    "not-found",
    "There is nothing here.",
    "It does not exist, or it is not yours: the answer is the same for both.",
)

_CHANGED: Final = Problem(
    412,
    "changed-meanwhile",
    "It was changed meanwhile.",
    claim("write.changed", "Nothing was written. Read it as it is now, and decide anew."),
)

BUSY: Final = Problem(
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

PROBLEMS: Final[dict[type[Exception], Problem]] = {
    connections.NotConnected: Problem(
        404, "not-connected", "Nothing is connected here.", "Show what is connected."
    ),
    connections.NotOurs: Problem(
        400, "not-a-choice", "That is not one of the choices.", "Choose one that the page offers."
    ),
    connections.UnknownProvider: Problem(
        404, "unknown-provider", "There is nothing of that name.", "Choose one that is offered."
    ),
    connections.NotAgreed: Problem(
        409,
        "not-agreed",
        "You have not agreed to what is asked for.",
        "Read what is asked for as it is now, and agree.",
    ),
    connections.NotTheirs: Problem(
        404, "not-connected", "Nothing is connected here.", "Show what is connected."
    ),
    consents.Outdated: Problem(
        409,
        "not-agreed",
        "What we ask for has changed.",
        "Read what is asked for as it is now, and agree.",
    ),
    NotFound: _NOTHING,
    sharing.NotShared: _NOTHING,
    sharing.NotAgreed: Problem(
        409,
        "not-agreed",
        "You have not agreed to what sharing is.",
        "Read what it is as it reads now, and agree.",
    ),
    local.NotAgreed: Problem(
        409,
        "not-agreed",
        "You have not agreed to what calendars are here.",
        "Read what it is as it reads now, and agree.",
    ),
    local.TooManyCalendars: Problem(
        409, "too-many-calendars", "There are too many calendars.", "Remove one first."
    ),
    local.Changed: _CHANGED,
    local.NoName: Problem(
        400, "no-name", "A calendar has a name.", "Give it one of at most 200 characters."
    ),
    keeping.Changed: Problem(
        409,
        "changed-meanwhile",
        "It was changed meanwhile.",
        "Read it again, then try again.",
    ),
    keeping.Full: Problem(
        409,
        "calendar-full",
        "The calendar would hold too much.",
        "It holds 20,000 events at most: remove some, or begin another one.",
    ),
    Unreadable: Problem(
        422,
        "unreadable-file",
        "This file cannot be read.",
        claim(
            "import.unreadable",
            "Nothing of it was taken. `errors` says which lines are in the way.",
        ),
    ),
    shares.InThePast: Problem(
        400, "end-in-the-past", "That end lies behind.", "Choose one that lies ahead, or none."
    ),
    cursors.InvalidCursor: Problem(
        400,
        "invalid-cursor",
        "That cursor is not for this list.",
        "Drop it and begin without one.",
    ),
    cursors.ExpiredCursor: Problem(
        410, "expired-cursor", "That cursor has expired.", "Begin again without one."
    ),
    agenda.TooLong: Problem(
        400,
        "window-too-long",
        "That is too long a time.",
        "At most a hundred days are shown at once: ask for less.",
    ),
    BadWindow: Problem(
        400,
        "bad-window",
        "There is no such time.",
        "It ends before it starts, or lies where no calendar reaches.",
    ),
    zones.UnknownZone: Problem(
        400,
        "unknown-timezone",
        "There is no such time zone.",
        "Name it as in Europe/Berlin, by the IANA database.",
    ),
    single.NotCurrent: Problem(
        503,
        "copy-not-current",
        "The copy of this calendar is too old to be shown.",
        "A new one has been asked for. Try again in a moment.",
    ),
    event_errors.ReadOnly: Problem(
        403, "read-only", "This calendar may only be read.", "Choose one that is yours to write."
    ),
    event_errors.PermissionMissing: Problem(
        409,
        "more-consent",
        "This needs a permission that was not given.",
        claim(
            "write.no-permission",
            "Allow writing events in Settings, at the account, if you want this. Nothing was"
            " written.",
        ),
    ),
    event_errors.NotOrganizer: Problem(
        403,
        "not-organizer",
        "Only whoever organises it may change that.",
        "Answer the invitation, or ask them.",
    ),
    event_errors.NotInvited: Problem(
        409, "not-invited", "There is no invitation to answer.", "Only whoever is invited answers."
    ),
    event_errors.GuestsAreTold: Problem(
        422,
        "guests-are-told",
        "The provider tells guests of it, whoever asks not to.",
        claim(
            "write.guests-told", 'Ask for it with `notify` "all", or leave it. Nothing was written.'
        ),
    ),
    event_errors.RefusedThere: Problem(
        422,
        "refused-by-provider",
        "The provider does not accept that.",
        claim(
            "write.refused",
            "It will not if it is asked again: change what is asked for. Nothing was written.",
        ),
    ),
    versions.Stale: _CHANGED,
    versions.NoVersion: _CHANGED,
    event_errors.NoSuchOccurrence: Problem(
        410, "gone", "It is no longer there.", "The series has no such occurrence: read it again."
    ),
    event_errors.Taken: Problem(
        409,
        "not-free",
        "They are not free then.",
        claim(
            "write.not-free",
            "Or nobody can tell. Choose another time, or leave `require_free` out to write it all"
            " the same. Nothing was written.",
        ),
    ),
    event_errors.KeyReused: Problem(
        422,
        "key-reused",
        "That key wrote another event before.",
        "Take a new Idempotency-Key for each event.",
    ),
    idempotency.OtherBody: Problem(
        422,
        "key-reused",
        "That key came with another request before.",
        "Take a new Idempotency-Key for each that is to be made.",
    ),
    idempotency.InProgress: Problem(
        409,
        "in-progress",
        "The same request is being answered now.",
        claim(
            "write.in-progress",
            "Send it again after as many seconds as Retry-After says, under the same key: nothing"
            " is done twice.",
        ),
    ),
    idempotency.ResultGone: Problem(
        410,
        "gone",
        "It was written, and is no longer there under its id.",
        claim(
            "write.gone-since",
            "It was removed since, or the copy of its calendar is a new one: read them again."
            " Nothing was written twice.",
        ),
    ),
    event_errors.HalfDone: Problem(
        503,
        "half-done",
        "Half of it is done.",
        claim(
            "write.half-done",
            "What follows was begun; whether the series before it was ended is not known. Ask for"
            " the same again: that finishes it, and makes nothing twice.",
        ),
    ),
    fences.NoLongerLive: _GONE,
    Destroyed: _GONE,
    Unopenable: _GONE,
    Damaged: Problem(
        422,
        "damaged",
        "This does not open here any more.",
        claim(
            "open.damaged",
            "What is stored of it in Antares was changed. What came from a provider is there as it"
            " was. We have been told.",
        ),
    ),
    KeyStoreUnavailable: Problem(
        503,
        "key-store-unavailable",
        "Nothing can be opened now.",
        claim(
            "open.keys-away",
            "Where the keys are kept does not answer. Nothing is lost: try again later.",
        ),
    ),
    errors.GrantRevoked: Problem(
        409, "reconnect", "Please connect this account again.", "Access ended at the provider."
    ),
    errors.ScopeMissing: Problem(
        409,
        "more-consent",
        "This needs a permission that was not given.",
        "Connect again and give it, if you want this.",
    ),
    errors.TokenRejected: Problem(
        503,
        "provider-unavailable",
        "The provider is not answering now.",
        "It goes on by itself. Try again later.",
    ),
    errors.RateLimited: Problem(
        503,
        "provider-rate-limited",
        "The provider asks us to slow down.",
        "It goes on by itself. Try again later.",
    ),
    errors.Unavailable: Problem(
        503,
        "provider-unavailable",
        "The provider is not answering now.",
        "It goes on by itself. Try again later.",
    ),
    errors.InvalidClient: Problem(
        503, "app-misconfigured", "We have a problem on our side.", "We have been told."
    ),
    errors.AdminBlocked: Problem(
        409,
        "admin-blocked",
        "The account's administrator does not allow this.",
        "Ask whoever manages the account.",
    ),
    errors.MailboxMissing: Problem(
        409, "no-mailbox", "This account has no mailbox.", "Connect another account."
    ),
    errors.Gone: Problem(
        410,
        "gone",
        "It no longer exists at the provider.",
        "It goes here, too, with the next sync.",
    ),
    errors.Rejected: Problem(
        422, "unreadable", "This item cannot be read.", "Open it at the provider."
    ),
    errors.OutcomeUnknown: Problem(
        503,
        "outcome-unknown",
        "It is not known whether that happened.",
        "Look at the provider before you try again.",
    ),
    # Of a write that is not tried again by itself, or was, as often as is good.
    errors.ChangedMeanwhile: _CHANGED,
    errors.AlreadyThere: Problem(
        409,
        "already-there",
        "It is there already.",
        "An earlier try wrote it, and it was changed since. Read it as it is now.",
    ),
    # 429, not 503: the person's own requests are in the way, and nobody else is refused.
    concurrency.TooManyWaits: Problem(
        429,
        "too-many-waits",
        "Two of your requests wait for a provider already.",
        claim(
            "problem.too-many-waits",
            "Nothing was done. Send it again when one of them has been answered.",
        ),
        retry_after=2,
    ),
    concurrency.TooManyStreams: Problem(
        429,
        "too-many-downloads",
        "You download two files already.",
        "Begin this one when one of them has ended.",
        retry_after=5,
    ),
    # A deadlock, a lock or a statement that took too long, a connection that broke.
    OperationalError: BUSY,
    InterfaceError: BUSY,
    # No parser process was free in time.
    Busy: BUSY,
    # None runs on this machine: the client may retry once the operator has mended that.
    CannotRun: BUSY,
}


def of(error: Exception) -> Problem | None:
    """Return the problem that `error` is, or None for what nobody foresaw: a bug."""
    found = next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), None)
    # The client may retry. Details are logged for the operator.
    if isinstance(error, Busy):
        logger.warning("parsers.busy")
    elif isinstance(error, CannotRun):
        logger.error("parsers.cannot_run")
    elif found is BUSY:
        logger.error("database.failed", extra={"error": type(error.__cause__ or error).__name__})
    return found
