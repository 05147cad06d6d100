"""Texts of the inbox, of search, of support access and of exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.providers import errors
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# --- Inbox ----------------------------------------------------------------------------------

#: Labels of the tabs, by folder.
FOLDERS: Final[Mapping[str, StrOrPromise]] = {
    "inbox": _("Inbox"),
    "sent": _("Sent"),
    "drafts": _("Drafts"),
    "important": _("Important"),
    "all": _("All mail"),
}
NO_SUBJECT: Final = _("(no subject)")
NO_RECIPIENTS: Final = _("(no recipients)")
RECONNECT: Final = claim(
    "inbox.reconnect",
    _(
        "%(provider)s no longer lets Antares read your mail. Reconnect the account: otherwise"
        " Antares removes its copy %(days)d days after the access ended."
    ),
)
IMPORTING: Final = _("Antares is still importing older mail.")
HORIZON: Final = _("Mail of the last %(days)d days.")
HORIZON_AND_SEARCH: Final = _(
    "Mail of the last %(days)d days. Search finds older mail at %(providers)s."
)
AND: Final = _("and")

# --- Messages that cannot be shown ------------------------------------------------------------

#: In place of a summary that does not open although its neighbours do. It is not fetched again:
#: an operator has to find out first how the bytes changed.
DAMAGED_SUMMARY: Final = _("Antares cannot open this message. Your provider still has it.")
#: In place of a text that cannot be sanitised within the limits, without plain text.
TEXT_NOT_SHOWN: Final = claim(
    "message.not-shown",
    _("This text cannot be shown safely. Open the message at your provider."),
)
TEXT_APPEARS: Final = _("The text appears in a moment.")
DOWNLOAD_STARTS: Final = _("The download starts automatically.")

_GRANT_REVOKED: Final = _("The provider ended the access of Antares. Reconnect the account.")
_SCOPE_MISSING: Final = _("Antares does not have the permission to read mail.")
TRY_LATER: Final = _("The provider does not respond right now. Try again in a moment.")
SLOW_DOWN: Final = _("Antares asked the provider for your mail very often in the last minute.")

#: Why an attachment is unavailable.
ATTACHMENT_ERRORS: Final[Mapping[type[Exception], StrOrPromise]] = {
    errors.Gone: _("The provider no longer has this attachment: its message was deleted."),
    errors.Rejected: _("This attachment is too large for Antares. Open it at the provider."),
    errors.GrantRevoked: _GRANT_REVOKED,
    errors.ScopeMissing: _SCOPE_MISSING,
}
#: Why a message is unavailable that Antares does not store.
MESSAGE_ERRORS: Final[Mapping[type[Exception], StrOrPromise]] = {
    errors.GrantRevoked: _GRANT_REVOKED,
    errors.ScopeMissing: _SCOPE_MISSING,
    errors.RateLimited: _("The provider asks Antares to slow down. Try again in a minute."),
    errors.Gone: _("The provider no longer has this message: it was deleted."),
    errors.Rejected: _("Antares cannot read this message. Open it at the provider."),
}
#: After these errors only a new grant helps.
ACCESS_ERRORS: Final = (errors.GrantRevoked, errors.ScopeMissing)

# --- Search -----------------------------------------------------------------------------------

SEARCH_TOO_LONG: Final = _("Enter up to 200 characters.")

# --- Support access -----------------------------------------------------------------------------

SUPPORT_STOPPED: Final = claim(
    "support.taken-back",
    _("Stopped sharing. Support agents can no longer read this message."),
)
SUPPORT_STARTED: Final = _(
    "A support agent can read this message now. You can stop sharing at any time."
)
SUPPORT_NOT_AGREED: Final = _("To let a support agent read this message, tick the box.")

# --- Export: texts in the file --------------------------------------------------------------------

EXPORT_ABOUT_TITLE: Final = _("About this export")
EXPORT_ABOUT: Final = claim(
    "export.about",
    _(
        """\
This is an export of the mail that Antares stores of the account %(account)s.

For each stored message, it contains: the headers, the text (plain and HTML; of a long one, the
first 2,000,000 characters), the folders and labels (X-Antares-Filed), and the names of the
attachments.

It does not contain: attachments, which Antares does not store and the provider has; mail older
than the period that you chose; spam and trash.

A message with X-Antares-Reconstructed was read from the properties that the provider showed, not
from the original: it may have fewer headers, and its text is as the provider converted it.

The last entry says how many messages there are. Without it, this export is not complete.
"""
    ),
)
EXPORT_NO_ADDRESS: Final = _("(Antares cannot open its address)")
EXPORT_END_TITLE: Final = _("End of this export")
EXPORT_INTERRUPTED_TITLE: Final = _("This export is not complete")
EXPORT_COMPLETE: Final = claim(
    "export.whole", _("This export is complete. Number of messages: %(count)d.\n")
)
EXPORT_DAMAGED_TITLE: Final = _("A message that Antares cannot open")
EXPORT_DAMAGED: Final = claim(
    "export.damaged",
    _(
        "The stored copy of this message, received %(received_at)s UTC, was changed and cannot be\n"
        "opened. Your provider still has the message.\n"
    ),
)
EXPORT_RECONSTRUCTED: Final = claim(
    "export.reconstructed",
    _(
        "Number of these that were read from the properties that the provider showed\n"
        "(X-Antares-Reconstructed): %(count)d. The provider has their originals.\n"
    ),
)
EXPORT_DAMAGED_COUNT: Final = claim(
    "export.notes",
    _("Number of further messages that Antares cannot open, each with a note: %(count)d.\n"),
)
EXPORT_INTERRUPTED: Final = claim(
    "export.broken",
    _(
        "This export is NOT complete. It ended after this number of messages: %(count)d. The\n"
        "mailbox was disconnected or could no longer be opened. If it is still connected, export\n"
        "it again.\n"
    ),
)


def explain_message_error(error: Exception) -> StrOrPromise:
    """Return why a message at the provider is unavailable."""
    return _find_text(MESSAGE_ERRORS, error)


def explain_attachment_error(error: Exception) -> StrOrPromise:
    return _find_text(ATTACHMENT_ERRORS, error)


def _find_text(texts: Mapping[type[Exception], StrOrPromise], error: Exception) -> StrOrPromise:
    return next((texts[kind] for kind in type(error).__mro__ if kind in texts), TRY_LATER)
