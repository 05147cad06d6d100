"""The settings by which a transaction says whom it is for: backend and policies have them."""

from __future__ import annotations

from typing import Final

PERSON: Final = "antares.person"
ORGANISATION: Final = "antares.organisation"
