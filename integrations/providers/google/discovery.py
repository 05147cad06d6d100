"""
Google's client library, which only builds requests and parses responses.

Its transport, httplib2, mixes up responses of threads (google-api-python-client issue 568) and
ignores a changed root for uploads and batches (issues 1107 and 1991). So the root is replaced in
the discovery document, and `google_http.py` sends the requests.

The import takes 0.1 s and 10 MB, so it happens inside functions of this module only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any, Final, NoReturn

_VERSIONS: Final = {"gmail": "v1", "calendar": "v3", "drive": "v3"}


class _NullTransport:
    credentials = None

    def request(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("requests are sent by http.py")

    def close(self) -> None:
        """No connection is open."""


@dataclass(frozen=True, slots=True)
class GmailService:
    """Building a request does no I/O."""

    users: Any
    labels: Any
    messages: Any
    attachments: Any
    threads: Any
    history: Any
    drafts: Any
    send_as: Any
    batch_url: str


@dataclass(frozen=True, slots=True)
class CalendarService:
    calendar_list: Any
    events: Any
    channels: Any


@dataclass(frozen=True, slots=True)
class DriveService:
    files: Any
    batch_url: str


def load_library() -> None:
    import google.oauth2.credentials  # noqa: F401 - for the functions below
    import googleapiclient.discovery
    import googleapiclient.discovery_cache
    import googleapiclient.http  # noqa: F401


def add_bearer_token(headers: dict[str, str], token: str) -> None:
    from google.oauth2.credentials import Credentials

    Credentials(token).apply(headers)  # type: ignore[no-untyped-call]


def get_root_url(root_url: str, api: str = "gmail") -> str:
    return (root_url or str(_load_document(api)["rootUrl"])).rstrip("/") + "/"


def _load_document(api: str) -> dict[str, Any]:
    from googleapiclient.discovery_cache import get_static_doc

    document: dict[str, Any] = json.loads(get_static_doc(api, _VERSIONS[api]))
    return document


def _build_service(document: dict[str, Any]) -> Any:
    from googleapiclient.discovery import build_from_document

    return build_from_document(document, http=_NullTransport())


def _load_document_at(api: str, root_url: str) -> dict[str, Any]:
    document = _load_document(api)
    document["rootUrl"] = get_root_url(root_url, api)
    document["baseUrl"] = document["rootUrl"] + document["servicePath"]
    document.pop("mtlsRootUrl", None)
    return document


@lru_cache(maxsize=8)
def get_gmail_service(root_url: str) -> GmailService:
    """Cached: building takes 1 ms per resource, forty times as long as a request."""
    document = _load_document_at("gmail", root_url)
    users = _build_service(document).users()
    messages = users.messages()
    return GmailService(
        users=users,
        labels=users.labels(),
        messages=messages,
        attachments=messages.attachments(),
        threads=users.threads(),
        history=users.history(),
        drafts=users.drafts(),
        send_as=users.settings().sendAs(),
        batch_url=document["rootUrl"] + document["batchPath"],
    )


def build_message_upload(method: Any, **parameters: Any) -> Any:
    """
    Return the request of an upload in one piece, without its body.

    :param method: of the library, such as `drafts.create`
    """
    from googleapiclient.http import MediaIoBaseUpload

    return method(media_body=MediaIoBaseUpload(BytesIO(), "message/rfc822"), **parameters)


@lru_cache(maxsize=8)
def get_calendar_service(root_url: str) -> CalendarService:
    service = _build_service(_load_document_at("calendar", root_url))
    return CalendarService(
        calendar_list=service.calendarList(),
        events=service.events(),
        channels=service.channels(),
    )


@lru_cache(maxsize=8)
def get_drive_service(root_url: str) -> DriveService:
    document = _load_document_at("drive", root_url)
    return DriveService(
        files=_build_service(document).files(),
        batch_url=document["rootUrl"] + document["batchPath"],
    )


def build_resumable_upload(method: Any, content_type: str, **parameters: Any) -> Any:
    """Return the request that opens an upload session, with the metadata as its body."""
    from googleapiclient.http import MediaIoBaseUpload

    media = MediaIoBaseUpload(BytesIO(), content_type, resumable=True)
    return method(media_body=media, **parameters)
