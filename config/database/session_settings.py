"""Names of the settings that state a transaction's person and organisation."""

from __future__ import annotations

from typing import Final

PERSON: Final = "antares.person"
ORGANISATION: Final = "antares.organisation"
