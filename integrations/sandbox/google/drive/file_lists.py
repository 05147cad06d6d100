"""files.list: search, order, pages."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import orjson

from integrations.sandbox.google.drive import problems
from integrations.sandbox.google.drive.request import DriveRequest
from integrations.sandbox.google.drive.search_query import parse_query
from integrations.sandbox.google.drive.store import DriveFile

MAX_PAGE = 1000
SORT_KEYS: dict[str, Callable[[DriveFile], Any]] = {
    "createdTime": lambda file: file.created_at,
    "modifiedTime": lambda file: file.modified_at,
    "name": lambda file: file.name.lower(),
    "folder": lambda file: not file.is_folder,
}


def list_files(request: DriveRequest) -> dict[str, Any]:
    query_hash = hashlib.sha256(
        f"{request.get_param('q')}\n{request.get_param('orderBy')}\n{request.project}".encode()
    ).hexdigest()[:16]
    offset = _read_page_token(request.get_param("pageToken"), query_hash)
    matches = parse_query(request.get_param("q"))
    files = [
        file for file in request.drive.list_files(request.project) if matches(request.drive, file)
    ]
    _sort_files(files, request.get_param("orderBy"))
    size = request.get_number("pageSize", 100, MAX_PAGE)
    answer: dict[str, Any] = {
        "kind": "drive#fileList",
        "incompleteSearch": False,
        "files": [request.format_file(file) for file in files[offset : offset + size]],
    }
    if len(files) > offset + size:
        answer["nextPageToken"] = _make_page_token(query_hash, offset + size)
    return answer


def _sort_files(files: list[DriveFile], order_by: str) -> None:
    """Newest first, without an order."""
    for name in reversed([part.strip() for part in order_by.split(",") if part.strip()]):
        key, _, direction = name.partition(" ")
        if key not in SORT_KEYS or direction not in ("", "desc"):
            raise problems.invalid_drive_parameter("orderBy", f"Invalid value '{name}'.")
        files.sort(key=SORT_KEYS[key], reverse=direction == "desc")
    if not order_by:
        files.reverse()


def _make_page_token(query_hash: str, offset: int) -> str:
    return "~!!~" + base64.urlsafe_b64encode(orjson.dumps([query_hash, offset])).decode()


def _read_page_token(token: str, query_hash: str) -> int:
    """:raises HttpProblem: 400 for a token of another query"""
    if not token:
        return 0
    try:
        expected, offset = orjson.loads(base64.urlsafe_b64decode(token.removeprefix("~!!~")))
    except ValueError:
        expected, offset = "", 0
    if expected != query_hash:
        raise problems.invalid_drive_parameter("pageToken", "Invalid Value", "invalid")
    return int(offset)
