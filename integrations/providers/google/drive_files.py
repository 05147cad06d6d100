"""Files and folders of Google Drive, as the port describes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from integrations.formats.mime.headers import make_printable
from integrations.providers.files import RemoteFile
from integrations.providers.mail import parse_provider_id

FIELDS: Final = "id,name,mimeType,size,sha256Checksum,trashed,webViewLink"
FOLDER_TYPE: Final = "application/vnd.google-apps.folder"
#: Characters of a name that is stored.
MAX_NAME: Final = 255
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MAX_LINK: Final = 500


def map_file(item: Mapping[str, Any]) -> RemoteFile:
    """:raises ValueError, LookupError, TypeError: if the item has another shape"""
    size = item.get("size")
    sha256 = str(item.get("sha256Checksum") or "").lower()
    return RemoteFile(
        file_id=parse_provider_id(item["id"]),
        name=make_printable(str(item.get("name") or ""))[:MAX_NAME],
        size=None if size is None else int(size),
        sha256=sha256 if _SHA256.fullmatch(sha256) else "",
        link=_check_link(str(item.get("webViewLink") or "")),
        is_folder=item.get("mimeType") == FOLDER_TYPE,
        is_trashed=item.get("trashed") is True,
    )


def quote_search_value(text: str) -> str:
    """
    Return a string literal of a search.

    https://developers.google.com/workspace/drive/api/guides/search-files
    """
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _check_link(link: str) -> str:
    """Return an empty string for what a browser should not open from our page."""
    parts = urlsplit(link)
    is_web = parts.scheme in {"https", "http"} and bool(parts.netloc)
    return link if is_web and len(link) <= _MAX_LINK else ""
