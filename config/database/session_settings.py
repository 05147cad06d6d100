from __future__ import annotations

from typing import Final

PERSON: Final = "antares.person"
ORGANISATION: Final = "antares.organisation"
