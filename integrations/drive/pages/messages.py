"""Texts of the pages of files: states, problems, and what became of a decision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import DriveFileProblem, DriveFileState, FileSourceKind
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# --- States ---------------------------------------------------------------------------------------

#: Label and tone, by state.
STATES: Final[Mapping[str, tuple[StrOrPromise, str]]] = {
    DriveFileState.PROPOSED: (_("Proposed"), "info"),
    DriveFileState.WAITING: (_("Waiting"), ""),
    DriveFileState.UPLOADING: (_("Uploading"), "info"),
    DriveFileState.PAUSED: (_("Paused"), "warn"),
    DriveFileState.CHECKING: (_("Checking"), "info"),
    DriveFileState.DONE: (claim("files.done", _("In the Drive")), "good"),
    DriveFileState.FAILED: (_("Failed"), "bad"),
    DriveFileState.CANCELLED: (_("Cancelled"), ""),
}

#: Names of files before their source is read.
UNREAD_NAMES: Final[Mapping[str, StrOrPromise]] = {
    FileSourceKind.CLIENT: _("(unnamed)"),
    FileSourceKind.ATTACHMENT: _("Attachment of a message"),
    FileSourceKind.CALENDAR: _("Antares calendar"),
    FileSourceKind.MAIL_EXPORT: _("Copy of your mail"),
}
#: Where the bytes come from; empty: a browser or a client of the API.
SOURCES: Final[Mapping[str, StrOrPromise]] = {
    FileSourceKind.CLIENT: "",
    FileSourceKind.ATTACHMENT: _("Attachment"),
    FileSourceKind.CALENDAR: _("Calendar"),
    FileSourceKind.MAIL_EXPORT: _("Export of mail"),
}

# --- Problems -------------------------------------------------------------------------------------

#: Why a file is not in the Drive, and what its owner can do.
PROBLEMS: Final[Mapping[str, StrOrPromise]] = {
    DriveFileProblem.STORAGE_FULL: _("The Drive is full. Free some space in it, then try again."),
    DriveFileProblem.TOO_LARGE: _("The file is larger than the Drive accepts."),
    DriveFileProblem.REJECTED: _("The Drive refused the file."),
    DriveFileProblem.SCOPE_MISSING: _(
        "Antares has no permission to put files into this Drive. Connect it again, then try again."
    ),
    DriveFileProblem.GRANT_ENDED: _(
        "The provider ended the access of Antares. Connect the Drive again, then try again."
    ),
    DriveFileProblem.ADMIN_BLOCKED: _(
        "Your administrator does not allow Antares to use this Drive."
    ),
    DriveFileProblem.FOLDER_GONE: _(
        "The folder that you chose does not exist, or Antares may not use it. Choose a folder,"
        " then try again."
    ),
    DriveFileProblem.SOURCE_GONE: _(
        "Antares can no longer find the attachment, calendar or mail. The provider or you may"
        " have ended the access to it."
    ),
    DriveFileProblem.CHECKSUM_MISMATCH: claim(
        "files.mismatch",
        _(
            "The file in the Drive differed from yours. Antares asked the Drive to move the"
            " damaged file to its trash. Try again."
        ),
    ),
    DriveFileProblem.SESSION_EXPIRED: _(
        "The Drive ended the upload several times before the file was complete. Try again."
    ),
    DriveFileProblem.ABANDONED: claim(
        "files.abandoned",
        _("No more of the file arrived for six days, so Antares gave it up."),
    ),
    DriveFileProblem.UNAVAILABLE: _(
        "The Drive did not answer, or answered with errors, for six hours or longer. Try again"
        " later."
    ),
    DriveFileProblem.STOPPED: claim(
        "files.stopped",
        _("It was stopped, because you no longer allow Antares to put files into this Drive."),
    ),
    DriveFileProblem.CRASHED: _("Antares failed while it passed the file on. Try again."),
}
#: Of a proposal that its owner did not decide on, or that its feature did not send.
PROPOSAL_ENDED: Final = claim(
    "files.proposal-ended", _("It was not accepted and completed in time.")
)
#: Of a copy of mail.
COPY_ENDED: Final = _(
    "The copy was not complete two hours after you confirmed it, or the mailbox is no longer"
    " connected. Order it again on the page of the account."
)
#: A new grant at the provider solves these.
SOLVED_BY_CONNECTING: Final = frozenset(
    {DriveFileProblem.SCOPE_MISSING, DriveFileProblem.GRANT_ENDED}
)

# --- After a decision -----------------------------------------------------------------------------

STATE_CHANGED: Final = _("The state of the file has changed since you saw it. Decide again.")
TOO_MANY_LISTS: Final = _("You downloaded the list too often. Wait an hour, then try again.")
REMOVED: Final = claim(
    "files.removed", _("The file is removed from the list. If it is in the Drive, it stays there.")
)
TRASHED: Final = claim(
    "files.trashed", _("The file is in the trash of the Drive, and removed from the list.")
)
NOT_TRASHED: Final = _("The Drive did not move the file to its trash. Try again later.")
DRIVE_AWAY: Final = _("The Drive is not connected any longer.")

# --- The folder -----------------------------------------------------------------------------------

FOLDER_CHOSEN: Final = claim("files.folder-chosen", _("Later files go to the folder you chose."))
FOLDER_OWN: Final = claim(
    "files.folder-own", _("Later files go to the folder that Antares creates.")
)
NO_FOLDER_CHOSEN: Final = claim(
    "files.folder-unchanged", _("You chose no folder. Files go to the same folder as before.")
)
SEVERAL_FOLDERS_CHOSEN: Final = _("Choose one folder only.")
FOLDER_REQUEST_UNKNOWN: Final = _(
    "Antares does not know this request for a folder: it was used, is older than ten minutes, or"
    " began in another browser. Choose the folder again."
)
FOLDER_UNUSABLE: Final = _(
    "Antares cannot use what you chose. Choose a folder of the connected account."
)
FOLDER_NOT_CHECKED: Final = _("The Drive did not answer. Choose the folder again later.")
OTHER_REQUESTS_WAIT: Final = _(
    "Antares waits for your provider in other windows. This page tries again by itself."
)
