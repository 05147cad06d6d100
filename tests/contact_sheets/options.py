"""Names of environment variables, by which the command tells the test what to do."""

from __future__ import annotations

from typing import Final

#: Where the pictures go.
FOLDER: Final = "CONTACT_SHEETS_FOLDER"
#: A part of the names of the states; all, if it is not set.
ONLY: Final = "CONTACT_SHEETS_ONLY"
