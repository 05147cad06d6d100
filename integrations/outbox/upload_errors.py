from __future__ import annotations

from typing import Final


class UploadVersionUnsupported(Exception):
    """The request is not of the version of tus that the service speaks."""

    #: Of its answer, which names the version.
    STATUS: Final = 412


class UploadLocked(Exception):
    """Another request writes to the upload. Ask for its offset, and continue there."""


class UploadOffsetWrong(Exception):
    """The request does not continue where the upload ends. Ask for its offset."""


class UploadExpired(Exception):
    """The upload was not finished or sent in time. It is deleted."""


class UploadTooLarge(Exception):
    """The file is larger than allowed, or has more bytes than announced."""


class UploadsFull(Exception):
    """The owner has too many files that were not sent, or too many bytes of them."""


class UploadFragmented(Exception):
    """The upload arrived in too many small pieces. Start again."""


class UploadNotReady(Exception):
    """A file to send is incomplete, expired, sent by another command, or of another mailbox."""


class UploadIncomplete(Exception):
    """A chunk of the upload is missing."""


class UploadInterrupted(Exception):
    """
    The request's body broke off. What arrived is stored.

    :param received: bytes of the file that are stored
    """

    def __init__(self, received: int) -> None:
        super().__init__()
        self.received = received


class ChecksumMismatch(Exception):
    """The body differs from its `Upload-Checksum`. Nothing of it is stored; send it again."""
