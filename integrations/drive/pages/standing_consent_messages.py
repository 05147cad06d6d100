"""Texts of the pages of standing consents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from integrations.models import FileKind
from limited_use.policy.claims import claim

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

KINDS: Final[Mapping[str, StrOrPromise]] = {
    FileKind.AUDIO: _("Audio"),
    FileKind.VIDEO: _("Video"),
    FileKind.IMAGE: _("Images"),
    FileKind.TEXT: _("Text, such as transcripts"),
    FileKind.PDF: _("PDF"),
}
DRIVE: Final = _("Drive")
DRIVE_LABEL: Final = _("%(provider)s, connected on %(day)s")
KINDS_LABEL: Final = _("Kinds of files")
MAX_MEGABYTES: Final = _("Largest file, in MB")
MAX_COUNT: Final = _("Number of files")
LAST_DAY: Final = _("Last day")
AGREE: Final = _("I agree that this feature saves such files without asking me each time.")
NO_KIND: Final = _("Choose at least one kind of files.")
NOT_AGREED: Final = _("Tick the box to agree.")
END_TOO_FAR: Final = _("Choose a day from today on, and less than a year ahead.")
OUTDATED: Final = _("The description has changed. Please read the current one.")
FOLDER_CHANGED: Final = _(
    "The folder has changed since this page was shown. Please check the current one, and agree"
    " again."
)
NEW_FOLDER: Final = _("Antares (created when you agree)")

GIVEN: Final = _("%(feature)s may save files within these bounds.")
WITHDRAWN: Final = claim(
    "standing.withdrawn",
    _("The standing consent is withdrawn. Files that were on their way are cancelled."),
)
EXISTS: Final = _("This feature already has a standing consent. Withdraw it first.")
FEATURE_OFF: Final = _("Switch the feature on first.")
NO_DRIVE: Final = _("Connect your Drive first.")
FOLDER_GONE: Final = _(
    "The folder that you chose does not exist any longer. Choose another one under Files."
)
DRIVE_UNAVAILABLE: Final = _("The Drive does not answer right now. Please try again later.")
