"""
Files that a worker reads from another product, and passes on to the owner's Drive.

The products implement `FileSource`, so that none of them imports the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from integrations.models import DriveFile
from limited_use.sinks.provider_sink import ProviderOutlet


class SourceGone(Exception):
    """The attachment, calendar or export no longer exists, or cannot be read again."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """
    :param filename: safe to show
    :param pieces: readable once; an error of theirs ends the upload, which is tried again
    """

    filename: str
    content_type: str
    pieces: Iterable[bytes] = field(repr=False)


def get_source_ids(file: DriveFile) -> tuple[UUID, UUID]:
    """
    Return the ids of the source and of its integration.

    :raises SourceGone: if the row names none
    """
    if file.source_id is None or file.source_integration_id is None:
        raise SourceGone
    return file.source_id, file.source_integration_id


class FileSource(Protocol):
    @property
    def is_repeatable(self) -> bool:
        """Return whether a second reading yields the same bytes, so that an upload continues."""

    def open_file(self, file: DriveFile, *, to: ProviderOutlet, at: datetime) -> SourceFile:
        """
        :param to: the Drive's account, the only one that may receive the bytes
        :raises SourceGone:
        :raises integrations.providers.errors.ProviderError: of the source's provider
        :raises limited_use.guard.guard.AccessRefused:
        """
