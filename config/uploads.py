"""
Keep uploaded files in memory, never on a disk: they hold personal data.

Django would write larger files to temporary files, beyond keys and purges.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler

#: Bytes per request: slightly more than the largest accepted file, so that its reader notices the
#: excess.
MAX_BYTES: Final = 10 * 1024 * 1024 + 1


class InMemoryUploadHandler(FileUploadHandler):
    """Keeps the first `MAX_BYTES` of all files of a request, and drops the rest."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bytes_left = MAX_BYTES
        self._buffer = BytesIO()

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._buffer = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:  # noqa: ARG002 - Django's
        stored_data = raw_data[: self._bytes_left]
        self._bytes_left -= len(stored_data)
        self._buffer.write(stored_data)

    def file_complete(self, file_size: int) -> UploadedFile[Any]:  # noqa: ARG002 - Django's signature
        size = self._buffer.tell()
        self._buffer.seek(0)
        return InMemoryUploadedFile(
            file=self._buffer,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
