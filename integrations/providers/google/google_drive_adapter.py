from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from integrations.providers import errors, provider_http, unexpected_responses
from integrations.providers.file_download import FileDownload
from integrations.providers.files import (
    NewFile,
    RemoteFile,
    UploadPreparation,
    UploadStatus,
)
from integrations.providers.mail import parse_provider_id
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.request_bodies import StreamedBody

from . import drive_uploads
from .discovery import DriveService, get_drive_service, get_root_url
from .drive_files import FIELDS, FOLDER_TYPE, map_file, quote_search_value
from .google_batch import GoogleOutcome, send_batch
from .google_http import (
    map_google_error,
    prepare_request,
    send_google_read,
    send_google_write,
)

_ALL_DRIVES: Final = {"supportsAllDrives": True}


@dataclass(frozen=True, slots=True)
class GoogleDriveAdapter:
    """Sees only files that Antares created, and folders that the person chose (`drive.file`)."""

    access: ProviderAccess
    api: DriveService

    @unexpected_responses.raise_unexpected
    def make_file_id(self) -> str:
        return _parse_new_id(send_google_read(self._build_id_request(), self.access))

    @unexpected_responses.raise_unexpected
    def create_folder(self, folder_id: str, name: str) -> RemoteFile:
        body = {"id": folder_id, "name": name, "mimeType": FOLDER_TYPE}
        request = self.api.files.create(body=body, fields=FIELDS, **_ALL_DRIVES)
        return map_file(send_google_write(request, self.access))

    @unexpected_responses.raise_unexpected
    def find_file(self, file_id: str) -> RemoteFile:
        return map_file(send_google_read(self._build_file_request(file_id), self.access))

    @unexpected_responses.raise_unexpected
    def prepare_upload(self, name: str, folder_id: str) -> UploadPreparation:
        requests = [
            self._build_id_request(),
            self._build_file_request(folder_id),
            self._build_namesake_request(name, folder_id),
        ]
        new_id, folder, namesakes = send_batch(requests, self.access, url=self.api.batch_url)
        found_folder = _get_content_unless_gone(folder)
        # A search in a folder that does not exist finds nothing, or is refused with 404.
        found_namesakes = _get_content_unless_gone(namesakes)
        return UploadPreparation(
            file_id=_parse_new_id(_get_content(new_id)),
            is_folder_there=found_folder is not None and map_file(found_folder).is_usable_folder,
            is_namesake=found_namesakes is not None and bool(found_namesakes.get("files")),
        )

    def _build_id_request(self) -> Any:
        return self.api.files.generateIds(count=1, space="drive", type="files")

    def _build_file_request(self, file_id: str) -> Any:
        return self.api.files.get(fileId=file_id, fields=FIELDS, **_ALL_DRIVES)

    def _build_namesake_request(self, name: str, folder_id: str) -> Any:
        query = (
            f"name = {quote_search_value(name)} and {quote_search_value(folder_id)} in parents"
            " and trashed = false"
        )
        return self.api.files.list(
            q=query,
            pageSize=1,
            fields="files(id)",
            includeItemsFromAllDrives=True,
            **_ALL_DRIVES,
        )

    @unexpected_responses.raise_unexpected
    def open_upload(self, new_file: NewFile) -> str:
        return drive_uploads.open_upload(new_file, self.api, self.access)

    @unexpected_responses.raise_unexpected
    def send_bytes(
        self, session_url: str, body: StreamedBody, *, offset: int, total: int | None
    ) -> UploadStatus:
        return drive_uploads.send_bytes(
            session_url, body, offset=offset, total=total, access=self.access
        )

    @unexpected_responses.raise_unexpected
    def get_upload_status(self, session_url: str, *, total: int | None) -> UploadStatus:
        return drive_uploads.get_upload_status(session_url, total=total, access=self.access)

    def cancel_upload(self, session_url: str) -> None:
        drive_uploads.cancel_upload(session_url, self.access)

    @unexpected_responses.raise_unexpected
    def open_content(self, file_id: str) -> FileDownload:
        request = self.api.files.get_media(fileId=file_id, **_ALL_DRIVES)
        method, url, headers, _ = prepare_request(request, self.access)
        with ExitStack() as stack:
            stream = None
            with suppress(provider_http.NoResponse):
                stream = stack.enter_context(provider_http.stream_response(method, url, headers))
            if stream is None:
                raise errors.Unavailable("Google did not answer")
            if not stream.response.is_success:
                raise map_google_error(stream.response, errors.Gone)
            return FileDownload(_iterate_content(stream.chunks), stack.pop_all())

    @unexpected_responses.raise_unexpected
    def trash_file(self, file_id: str) -> None:
        request = self.api.files.update(
            fileId=file_id, body={"trashed": True}, fields="id", **_ALL_DRIVES
        )
        send_google_write(request, self.access)


def _parse_new_id(answer: dict[str, Any]) -> str:
    return parse_provider_id(answer["ids"][0])


def _get_content(outcome: GoogleOutcome) -> dict[str, Any]:
    if isinstance(outcome, errors.ProviderError):
        raise outcome
    return outcome


def _get_content_unless_gone(outcome: GoogleOutcome) -> dict[str, Any] | None:
    return None if isinstance(outcome, errors.Gone) else _get_content(outcome)


def _iterate_content(chunks: Iterator[bytes]) -> Iterator[bytes]:
    is_interrupted = False
    try:
        yield from chunks
    except provider_http.NoResponse:
        is_interrupted = True
    if is_interrupted:
        raise errors.Unavailable("Google stopped answering")


@contextmanager
def open_files(access: ProviderAccess) -> Iterator[GoogleDriveAdapter]:
    root_url = get_root_url(access.root_url, "drive")
    yield GoogleDriveAdapter(replace(access, root_url=root_url), get_drive_service(root_url))
