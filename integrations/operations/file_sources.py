"""The sources of files that a worker passes on to the owner's Drive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from integrations.outbox.file_sources import FileSource

SOURCES: Final[Mapping[str, FileSource]] = {}
