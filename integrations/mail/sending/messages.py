"""Texts of sending: problems of a form, states of the outbox, and reasons of failures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import OutboxProblem, OutboxState
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# --- Problems of what was written ----------------------------------------------------------------

NO_RECIPIENT: Final = _("Enter at least one recipient.")
ADDRESS_INVALID: Final = _("“%(address)s” is not an address to which mail can be sent.")
TOO_MANY_RECIPIENTS: Final = _("A message goes to at most 50 people.")
SUBJECT_TOO_LONG: Final = _("The subject is too long: it may have 900 characters.")
TEXT_TOO_LONG: Final = _("The text is too long: it may have 200,000 characters.")
TOO_MANY_FILES: Final = _("A message can have at most 25 files.")
FILES_NOT_READY: Final = _(
    "A file has not arrived completely, or was deleted after a day. Attach it again."
)
TOO_LARGE: Final = _("The text and the files together are larger than the provider accepts.")
CHANGED: Final = _("The account changed in the meantime. Press Send once more.")
NOT_THERE: Final = _(
    "The account is no longer connected, or the message or draft that you began with no longer"
    " exists."
)
ALREADY_LEFT: Final = _("The earlier message has already left. See its state in the outbox.")
SENT_BEFORE: Final = _(
    "You already sent a message from this form. If you press Send, the changed text is sent as"
    " another message."
)

# --- States ---------------------------------------------------------------------------------------

#: Label and tone, by state.
STATES: Final[Mapping[str, tuple[StrOrPromise, str]]] = {
    OutboxState.WAITING: (_("Waiting"), "info"),
    OutboxState.DRAFTED: (claim("outbox.sending", _("Sending…")), "info"),
    OutboxState.SENDING: (_("Sending…"), "info"),
    OutboxState.SENT: (claim("outbox.sent", _("Sent")), "good"),
    OutboxState.FAILED: (claim("outbox.not-sent", _("Not sent")), "bad"),
    OutboxState.UNKNOWN: (claim("outbox.unknown", _("Perhaps sent")), "warn"),
    OutboxState.UNDONE: (claim("outbox.undone", _("Taken back")), ""),
}
RETURNED: Final = (claim("outbox.returned", _("Returned")), "bad")

#: What a problem means, and what its owner can do. For failed messages.
FAILURES: Final[Mapping[str, StrOrPromise]] = {
    OutboxProblem.REJECTED: _("The provider refused the message."),
    OutboxProblem.RECIPIENT_REJECTED: _("The provider refused a recipient. Check the addresses."),
    OutboxProblem.SENDER_REJECTED: _(
        "The account can no longer send from the address that you chose."
    ),
    OutboxProblem.TOO_LARGE: _("The message is larger than the provider accepts."),
    OutboxProblem.SCOPE_MISSING: _(
        "Antares has no permission to send from this account. Allow it, then send again."
    ),
    OutboxProblem.GRANT_ENDED: _(
        "The provider ended the access of Antares. Reconnect the account, then send again."
    ),
    OutboxProblem.ADMIN_BLOCKED: _("Your administrator does not allow Antares to send."),
    OutboxProblem.UNAVAILABLE: _(
        "The provider did not answer, or answered with errors, for an hour or longer. Send it"
        " again later."
    ),
    OutboxProblem.RATE_LIMITED: _(
        "The account has reached the provider's limit of messages. Send it again later."
    ),
    OutboxProblem.STOPPED: claim(
        "outbox.stopped",
        _("It was stopped before it was sent, because you no longer allow Antares to send."),
    ),
    OutboxProblem.SOURCE_GONE: _("The message that you answered or forwarded no longer exists."),
    OutboxProblem.DRAFT_CHANGED: _(
        "The draft was changed in your mailbox before it was sent. Send it there."
    ),
    OutboxProblem.CRASHED: _(
        "Antares failed while it sent the message. Its operators are informed."
    ),
}
#: Why the outcome is unknown.
UNKNOWN: Final[Mapping[str, StrOrPromise]] = {
    OutboxProblem.NOT_FOUND: _(
        "The provider did not confirm it, and Antares did not find the sent message in your"
        " mailbox."
    ),
    OutboxProblem.RESTORED: _(
        "Antares was restored from a backup, and no longer knows whether it was sent."
    ),
    OutboxProblem.CRASHED: _(
        "Antares failed while it sent the message. Its operators are informed."
    ),
}
UNKNOWN_OTHER: Final = _("The provider was asked to send it, and has not confirmed it since.")

PROPOSAL_DISCARDED: Final = claim("proposal.discarded", _("The proposed draft is deleted."))
PROPOSED: Final = (_("Proposed"), "info")
MAILBOX_NOT_READY: Final = _("This account cannot send right now. Reconnect it in Settings.")
NOT_UNDOABLE: Final = _("The message has already left.")
STATE_CHANGED: Final = _("The state of the message has changed meanwhile. Decide again.")
LOOKING: Final = _("Antares looks into your mailbox once more.")
SETTLED_AS_SENT: Final = _("Noted: the message was sent.")
DISCARDED: Final = claim("outbox.deleted", _("The message and its files were deleted."))
