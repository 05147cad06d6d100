from __future__ import annotations

from uuid import UUID

from integrations.models import DriveFileProblem


class FileAlreadyUploaded(Exception):
    """
    A file of this name and size is in the list. Ask the person, then create it with `again`.

    :param file_id: ours, of the earlier one
    """

    def __init__(self, file_id: UUID) -> None:
        super().__init__()
        self.file_id = file_id


class QueueFull(Exception):
    """The person has too many unfinished uploads. Finish or remove some."""


class UploadNotOpen(Exception):
    """The file is done, failed, cancelled or not yet accepted. Show its state."""


class UploadPaused(Exception):
    """The owner paused the upload. Resume it first."""


class UploadLengthMissing(Exception):
    """The body of a PATCH has no `Content-Length`."""


class PieceTooSmall(Exception):
    """A body that does not end the file has fewer bytes than the provider takes."""


class UploadFailed(Exception):
    """
    The file cannot reach the Drive, and its row says so.

    :param problem: one of `DriveFileProblem`
    """

    def __init__(self, problem: DriveFileProblem) -> None:
        super().__init__(problem)
        self.problem = problem


class BodyInterrupted(Exception):
    """The source of the bytes broke off. Continue from the stored offset."""
