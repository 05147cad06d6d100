"""
Resumable uploads to Google Drive.

One session and one streamed request, continued from the offset that Google reports. Source:
https://developers.google.com/workspace/drive/api/guides/manage-uploads
"""

from __future__ import annotations

import re
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.formats.exact_pieces import WrongSize
from integrations.providers import errors, provider_http
from integrations.providers.files import NewFile, UploadStatus
from integrations.providers.provider_access import ProviderAccess
from integrations.providers.request_bodies import StreamedBody

from .discovery import DriveService, build_resumable_upload
from .drive_files import FIELDS, map_file
from .google_http import check_write_outcome, map_google_error, prepare_request

_RANGE: Final = re.compile(r"bytes=0-(\d{1,15})", re.ASCII)


def open_upload(new_file: NewFile, api: DriveService, access: ProviderAccess) -> str:
    request = build_resumable_upload(
        api.files.create,
        new_file.content_type,
        body={
            "id": new_file.file_id,
            "name": new_file.name,
            "mimeType": new_file.content_type,
            "parents": [new_file.folder_id],
        },
        fields=FIELDS,
        supportsAllDrives=True,
    )
    method, url, headers, body = prepare_request(request, access)
    headers["x-upload-content-type"] = new_file.content_type
    if new_file.size is not None:
        headers["x-upload-content-length"] = str(new_file.size)
    response = None
    with suppress(provider_http.NoResponse):
        response = provider_http.send_request(method, url, headers, body)
    location = check_write_outcome(response).headers.get("location", "")
    if urlsplit(location)[:2] != urlsplit(access.root_url)[:2]:
        # The address is a secret: it is not in the error.
        raise errors.Unexpected("a file would have left for another host")
    return location


def send_bytes(
    session_url: str,
    body: StreamedBody,
    *,
    offset: int,
    total: int | None,
    access: ProviderAccess,
) -> UploadStatus:
    end = offset + body.size
    size = "*" if total is None else str(total)
    content_range = f"bytes {offset}-{end - 1}/{size}" if body.size else f"bytes */{size}"
    return _send_to_session(session_url, content_range, body, access)


def get_upload_status(
    session_url: str, *, total: int | None, access: ProviderAccess
) -> UploadStatus:
    content_range = f"bytes */{'*' if total is None else total}"
    return _send_to_session(session_url, content_range, StreamedBody((), 0), access)


def cancel_upload(session_url: str, access: ProviderAccess) -> None:
    _check_session_url(session_url, access)
    with suppress(provider_http.NoResponse):
        # Google answers 499; nothing depends on it.
        provider_http.send_request("DELETE", session_url, {"content-length": "0"})


def _send_to_session(
    session_url: str, content_range: str, body: StreamedBody, access: ProviderAccess
) -> UploadStatus:
    _check_session_url(session_url, access)
    # No token: the address is the authority, and a long upload outlives a token.
    headers = {"content-range": content_range}
    response = None
    is_source_wrong = False
    try:
        with suppress(provider_http.NoResponse):
            response = provider_http.send_request(
                "PUT",
                session_url,
                headers,
                body if body.size else b"",
                timeout=provider_http.UPLOAD,
            )
    except WrongSize:
        is_source_wrong = True
    if is_source_wrong:
        raise errors.Rejected("a file is not as large as stated", reason="file-size")
    return _read_status(response)


def _read_status(response: provider_http.ProviderResponse | None) -> UploadStatus:
    if response is None:
        raise errors.OutcomeUnknown("Google did not answer")
    if response.status == HTTPStatus.PERMANENT_REDIRECT:
        stored = _RANGE.fullmatch(response.headers.get("range", "").strip())
        return UploadStatus(int(stored[1]) + 1 if stored else 0)
    if response.is_success:
        file = map_file(_parse_json(response))
        return UploadStatus(file.size or 0, file)
    raise _map_session_error(response)


def _parse_json(response: provider_http.ProviderResponse) -> dict[str, Any]:
    parsed: Any = None
    with suppress(ValueError, RecursionError):
        parsed = response.json()
    if not isinstance(parsed, dict):
        # The file may be complete.
        raise errors.OutcomeUnknown("the answer was not Google's", status=response.status)
    return parsed


def _map_session_error(response: provider_http.ProviderResponse) -> errors.ProviderError:
    error = map_google_error(response, errors.UploadEnded)
    if isinstance(error, errors.Unavailable | errors.StorageFull | errors.ScopeMissing):
        return error
    # Any other 4xx ends the session: 404 and 410 after a week, 400 for an offset that Google does
    # not have.
    return errors.UploadEnded("the upload session ended", status=error.status, reason=error.reason)


def _check_session_url(session_url: str, access: ProviderAccess) -> None:
    if not access.root_url or urlsplit(session_url)[:2] != urlsplit(access.root_url)[:2]:
        raise errors.Unexpected("a file would have left for another host")
