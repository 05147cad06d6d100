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
MAX_BYTES: Final = 10 * 1024 * 1024 + 1


class InMemoryUploadHandler(FileUploadHandler):
    """Keeps the first `MOST` bytes of all files of a request, and lets go of the rest."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._left = MAX_BYTES
        self._held = BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._held = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's
        stored_data = raw_data[: self._left]
        self._left -= len(stored_data)
        self._held.write(stored_data)

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
