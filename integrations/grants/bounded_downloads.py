"""Downloads of bounded size, of which no partial one looks whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from integrations.providers import errors
from integrations.providers.file_download import FileDownload

# Bytes; Gmail accepts no more than 35 MiB in a message.
LARGEST_FILE_BYTES = 36 * 1024 * 1024


def limit_download(arriving: FileDownload, stack: ExitStack, *, max_bytes: int) -> FileDownload:
    """
    :param stack: resources of the download, which the result releases
    :raises errors.Rejected: if the file has more than `max_bytes`; only while reading if the
        provider does not say the size
    """
    if (arriving.size or 0) > max_bytes:
        raise _build_too_large_error()
    return FileDownload(
        _limit_size(arriving, arriving.size, max_bytes), stack.pop_all(), size=arriving.size
    )


def _limit_size(pieces: Iterator[bytes], size: int | None, max_bytes: int) -> Iterator[bytes]:
    """Raise at the end if `pieces` are not `size` bytes, so that no partial file looks whole."""
    total = 0
    for piece in pieces:
        total += len(piece)
        if total > max_bytes:
            raise _build_too_large_error()
        if size is not None and total > size:
            break
        yield piece
    if size is not None and total != size:
        raise errors.Unavailable("the file is not of the size that the provider said")


def _build_too_large_error() -> errors.Rejected:
    return errors.Rejected("the attachment is larger than we carry", reason="too-large")
