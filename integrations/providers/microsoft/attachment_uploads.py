"""
Add files to a draft: small ones in one request, larger ones in pieces.

Pieces go to an address of Outlook's that needs no token, and is a secret itself. Source:
https://learn.microsoft.com/en-us/graph/outlook-large-attachments
"""

from __future__ import annotations

import base64
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.formats.exact_pieces import WrongSize
from integrations.formats.mime import composer
from integrations.formats.mime.outgoing_file import OutgoingFile
from integrations.formats.mime.outgoing_headers import check_filename
from integrations.providers import errors, provider_http
from integrations.providers.provider_access import ProviderAccess

from .draft_errors import map_draft_errors
from .graph_http import (
    GraphApiRequest,
    get_root_url,
    map_graph_error,
    quote_segment,
    send_graph_write,
)

#: Larger files take pieces.
MAX_SIMPLE_BYTES: Final = 3_000_000
#: A multiple of 320 KiB, below 4 MB.
PIECE_BYTES: Final = 12 * 320 * 1024
#: Of addresses that take pieces.
UPLOAD_HOSTS: Final = frozenset({"outlook.office.com", "outlook.office365.com", "outlook.live.com"})
_ANY_TYPE: Final = "application/octet-stream"


def attach_file(draft_id: str, outgoing_file: OutgoingFile, access: ProviderAccess) -> None:
    """
    :raises OutcomeUnknown: if a request was sent and its result is unknown
    :raises Rejected: if the file differs from its stated size
    """
    has_changed = False
    try:
        if outgoing_file.size < MAX_SIMPLE_BYTES:
            _attach_small_file(draft_id, outgoing_file, access)
        else:
            _upload_file(draft_id, outgoing_file, access)
    except WrongSize:
        has_changed = True
    if has_changed:
        raise errors.Rejected("a file is not as large as stated", reason="file-size")


def _attach_small_file(draft_id: str, outgoing_file: OutgoingFile, access: ProviderAccess) -> None:
    content = b"".join(composer.split_file(outgoing_file, MAX_SIMPLE_BYTES))
    body = {
        "@odata.type": "#microsoft.graph.fileAttachment",
        "name": check_filename(outgoing_file.filename),
        "contentType": outgoing_file.content_type or _ANY_TYPE,
        "contentBytes": base64.b64encode(content).decode("ascii"),
    }
    path = f"/me/messages/{quote_segment(draft_id)}/attachments"
    with map_draft_errors():
        send_graph_write(GraphApiRequest(path, method="POST", body=body), access)


def _upload_file(draft_id: str, outgoing_file: OutgoingFile, access: ProviderAccess) -> None:
    url = _create_upload_session(draft_id, outgoing_file, access)
    start = 0
    for piece in composer.split_file(outgoing_file, PIECE_BYTES):
        _send_piece(url, piece, start, outgoing_file.size)
        start += len(piece)


def _create_upload_session(
    draft_id: str, outgoing_file: OutgoingFile, access: ProviderAccess
) -> str:
    item = {
        "attachmentType": "file",
        "name": check_filename(outgoing_file.filename),
        "contentType": outgoing_file.content_type or _ANY_TYPE,
        "size": outgoing_file.size,
    }
    path = f"/me/messages/{quote_segment(draft_id)}/attachments/createUploadSession"
    request = GraphApiRequest(path, method="POST", body={"AttachmentItem": item})
    with map_draft_errors():
        answer = send_graph_write(request, access)
    return check_upload_url(answer["uploadUrl"], access)


def check_upload_url(url: object, access: ProviderAccess) -> str:
    """:raises Unexpected: if the address is not Outlook's; it is not in the error"""
    if isinstance(url, str):
        parts = urlsplit(url)
        root = urlsplit(get_root_url(access.root_url))
        is_outlook = (
            parts.scheme == "https" and parts.netloc.lower().removesuffix(":443") in UPLOAD_HOSTS
        )
        # Sandboxes upload to their own address.
        if is_outlook or (parts.scheme, parts.netloc) == (root.scheme, root.netloc):
            return url
    raise errors.Unexpected("a file would have left for another host")


def _send_piece(url: str, piece: bytes, start: int, size: int) -> None:
    end = start + len(piece)
    headers = {
        "content-type": _ANY_TYPE,
        "content-length": str(len(piece)),
        "content-range": f"bytes {start}-{end - 1}/{size}",
    }
    response = None
    with suppress(provider_http.NoResponse):
        response = provider_http.send_request(
            "PUT", url, headers, piece, timeout=provider_http.UPLOAD
        )
    if response is None:
        raise errors.OutcomeUnknown("Outlook did not answer")
    if not response.is_success:
        raise _map_refusal(response)
    is_complete = response.status == HTTPStatus.CREATED
    if is_complete is not (end == size) or (not is_complete and _read_offset(response) != end):
        raise errors.Unexpected("the pieces of a file do not fit", status=response.status)


def _map_refusal(response: provider_http.ProviderResponse) -> errors.ProviderError:
    error = map_graph_error(response, errors.Gone)
    is_limit_or_final = response.status < HTTPStatus.INTERNAL_SERVER_ERROR and isinstance(
        error, errors.RateLimited | errors.Rejected
    )
    is_malformed = response.status == HTTPStatus.BAD_REQUEST and isinstance(
        error, errors.Unexpected
    )
    if is_limit_or_final or is_malformed:
        return error
    # The session has ended, or failed. As the address has neither a token nor an item's id, the
    # status says nothing about the grant, or about the answered message.
    return errors.OutcomeUnknown(
        "Outlook refused a piece",
        status=error.status,
        reason=error.reason,
        retry_after=error.retry_after,
    )


def _read_offset(response: provider_http.ProviderResponse) -> int:
    """Return the first byte that the session expects."""
    state: Any = response.json()
    ranges = state.get("nextExpectedRanges") or state.get("NextExpectedRanges") or [""]
    return int(str(ranges[0]).partition("-")[0])
