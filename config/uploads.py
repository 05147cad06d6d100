"""
Files that people choose, held in memory and never on a disk: what is in them is theirs.

Django would write a larger one to a temporary file, where no key and no purge reaches it.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

#: Of one request, in bytes: a little more than the largest file that anything here takes, so that
#: whoever reads it sees that it is too large.
MOST: Final = 10 * 1024 * 1024 + 1


class InMemory(FileUploadHandler):
    """Keeps the first `MOST` bytes of all files of a request, and lets go of the rest."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._left = MOST
        self._held = BytesIO()

    def new_file(self, *given: Any, **more: Any) -> None:
        super().new_file(*given, **more)
        self._held = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's
        taken = raw_data[: self._left]
        self._left -= len(taken)
        self._held.write(taken)

    def file_complete(self, file_size: int) -> UploadedFile[Any]:  # noqa: ARG002 - Django's signature
        size = self._held.tell()
        self._held.seek(0)
        return InMemoryUploadedFile(
            file=self._held,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
