"""Short messages after a form of the settings pages."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

SYNC_STARTED: Final = _("Checking for new mail now.")
UNKNOWN_CHOICE: Final = _("Choose one of the options in the list.")
SENDING_SAVED: Final = _("Saved. It applies to the next message that you send.")
SENDING_NOT_SAVED: Final = _(
    "Not saved. Choose one of the times in the list, and a signature of up to 4,000 characters."
)
HORIZON_SAVED: Final = _("Saved. Antares applies the change now.")
RETRY_STARTED: Final = _("Antares tries these messages again with the next check.")
APPROVAL_DISMISSED: Final = _("The link for your administrator no longer works.")
CONNECTION_REMOVED: Final = _("Removed.")
TOO_MANY_EXPORTS: Final = _("You have started many exports. Please wait an hour.")
OTHER_PAGES_WAIT: Final = _(
    "Other pages that you opened are waiting for a provider. This page continues automatically."
)
AGREE_FIRST: Final = _("Nothing has changed yet. Read this page, then tick the box to agree.")
DOWNLOAD_ACTION: Final = _("Download a copy of your mail")
SAVE_COPY_ACTION: Final = _("Save a copy of your mail in your Drive")
