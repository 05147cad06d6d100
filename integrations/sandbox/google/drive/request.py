"""An authorized Drive call and its parameters."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.drive import file_format, problems
from integrations.sandbox.google.drive.store import AccountDrive, DriveFile
from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.schemas import ApiMethod
from integrations.sandbox.state import SandboxState

_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True)
class DriveRequest:
    """`project` is that of the OAuth client: it sees its own and the picked files."""

    state: SandboxState
    call: HttpCall
    method: ApiMethod
    path: dict[str, str]
    account: SandboxAccount
    drive: AccountDrive
    project: str

    def get_param(self, name: str, default: str = "") -> str:
        return self.call.get_param(name, default)

    def get_number(self, name: str, default: int, largest: int) -> int:
        """:raises HttpProblem: not a number from 1 to `largest`"""
        value = self.get_param(name, str(default))
        if not value.isdecimal() or not 1 <= int(value) <= largest:
            raise problems.invalid_drive_parameter(
                name, f"Invalid value '{value}'. Values must be within the range: [1, {largest}]"
            )
        return int(value)

    @property
    def upload_type(self) -> str:
        """Empty outside the upload paths."""
        is_upload = self.call.path.startswith(("/upload/", "/resumable/"))
        return self.get_param("uploadType", "media") if is_upload else ""

    @cached_property
    def content_type(self) -> str:
        return self.call.headers.get("content-type", "").partition(";")[0].strip().lower()

    def read_json(self) -> dict[str, Any]:
        """:raises HttpProblem: not a JSON object"""
        return _parse_object(self.call.body)

    def read_related_parts(self) -> tuple[dict[str, Any], str, bytes]:
        """
        Return metadata, type and content of a multipart upload.

        :raises HttpProblem: malformed
        """
        boundary = _BOUNDARY.search(self.call.headers.get("content-type", ""))
        if boundary is None:
            raise api_problems.bad_value("Missing end boundary in multipart body.", "badContent")
        delimiter = b"--" + boundary[1].encode()
        # Content may contain the delimiter: the last delimiter ends the body.
        first = self.call.body.find(delimiter)
        second = self.call.body.find(b"\n" + delimiter, first + 1) + 1
        end = self.call.body.rfind(b"\n" + delimiter + b"--")
        parts = (self.call.body[first:second], self.call.body[second:end].removesuffix(b"\r"))
        blank_lines = [_BLANK_LINE.search(part) for part in parts]
        if min(first, second, end) < 0 or blank_lines[0] is None or blank_lines[1] is None:
            raise api_problems.bad_value("Missing end boundary in multipart body.", "badContent")
        metadata = _parse_object(parts[0][blank_lines[0].end() :].strip())
        headers = parts[1][: blank_lines[1].start()].decode("latin-1").lower()
        mime_type = re.search(r"content-type:\s*([^\s;]+)", headers)
        return metadata, mime_type[1] if mime_type else "", parts[1][blank_lines[1].end() :]

    def find_file(self, file_id: str = "") -> DriveFile:
        """:raises HttpProblem: 404 if the project cannot see it"""
        file_id = file_id or self.path["fileId"]
        file = self.drive.find_file(file_id, self.project)
        if file is None:
            raise problems.file_not_found(file_id)
        return file

    def format_file(self, file: DriveFile) -> dict[str, Any]:
        resource = file_format.format_file(self.drive, file, self.project)
        return file_format.choose_fields(resource, all_fields=bool(self.get_param("fields")))


def _parse_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise api_problems.bad_value("Parse Error", "parseError") from error
    if not isinstance(value, dict):
        raise api_problems.bad_value("Parse Error", "parseError")
    return value
