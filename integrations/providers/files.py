"""The port of file storage: folders, files and resumable uploads of one account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from .file_download import FileDownload
from .provider_access import ProviderAccess
from .request_bodies import StreamedBody


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """
    A file or folder that the grant covers.

    :param size: in bytes; None: the provider states none, as of folders
    :param sha256: 64 hexadecimal digits; empty if the provider states none
    :param link: of the provider's own page of it
    """

    file_id: str
    name: str
    size: int | None = None
    sha256: str = ""
    link: str = ""
    is_folder: bool = False
    is_trashed: bool = False

    @property
    def is_usable_folder(self) -> bool:
        return self.is_folder and not self.is_trashed


@dataclass(frozen=True, slots=True)
class NewFile:
    """
    :param file_id: made before (`FileAdapter.prepare_upload`), so that a repetition creates no
        second file
    :param size: in bytes; None: not known yet
    """

    file_id: str
    name: str
    content_type: str
    folder_id: str
    size: int | None


@dataclass(frozen=True, slots=True)
class UploadStatus:
    """
    :param offset: bytes that the provider has stored: trust this rather than what was sent
    :param file: once the upload is complete
    """

    offset: int
    file: RemoteFile | None = None


@dataclass(frozen=True, slots=True)
class UploadPreparation:
    """
    What an upload needs to know before its session is opened.

    :param file_id: new, for the file
    :param is_folder_there: false: the folder does not exist, is in the trash, or is not covered by
        the grant
    :param is_namesake: whether the folder has a file of that name that the grant covers
    """

    file_id: str
    is_folder_there: bool
    is_namesake: bool


class FileAdapter(Protocol):
    """
    Raises `errors.ProviderError` everywhere.

    The address of an upload session is a bearer secret, valid for a week at Google.
    """

    @property
    def access(self) -> ProviderAccess: ...

    def make_file_id(self) -> str: ...

    def create_folder(self, folder_id: str, name: str) -> RemoteFile:
        """:raises AlreadyThere: if an earlier request created it"""

    def find_file(self, file_id: str) -> RemoteFile:
        """
        Return a file or folder, also a trashed one.

        :raises Gone: if there is none that the grant covers
        """

    def prepare_upload(self, name: str, folder_id: str) -> UploadPreparation:
        """Make an id for a file of that name, and look into the folder, in one request."""

    def open_upload(self, new_file: NewFile) -> str:
        """
        Return the address of an upload session.

        :raises StorageFull:
        :raises AlreadyThere: if an earlier upload created the file
        :raises Gone: if the folder does not exist, or the grant does not cover it
        """

    def send_bytes(
        self, session_url: str, body: StreamedBody, *, offset: int, total: int | None
    ) -> UploadStatus:
        """
        Send bytes of the file; the request is over when the body is.

        An error of the body's source ends the request, and is raised.

        :param offset: of the body's first byte in the file
        :param total: size of the whole file; None: more follows. Until then, a body has to be a
            multiple of `UPLOAD_UNIT` bytes
        :raises UploadEnded, StorageFull:
        :raises OutcomeUnknown: if the provider did not answer: ask for the status
        """

    def get_upload_status(self, session_url: str, *, total: int | None) -> UploadStatus:
        """:raises UploadEnded:"""

    def cancel_upload(self, session_url: str) -> None:
        """End a session, which may be over."""

    def open_content(self, file_id: str) -> FileDownload:
        """:raises Gone:"""

    def trash_file(self, file_id: str) -> None:
        """Move a file to the account's trash. :raises Gone:"""


#: Bytes: the last byte of a request that does not end the file has to be at a multiple of this.
#: https://developers.google.com/workspace/drive/api/guides/manage-uploads
UPLOAD_UNIT: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class FolderChoice:
    """
    How a person chooses a folder on the provider's own page.

    :param authorize_params: further parameters of the authorization request
    :param result_param: of the redirect back: the chosen id
    """

    scope: str
    authorize_params: dict[str, str] = field(default_factory=dict)
    result_param: str = ""
