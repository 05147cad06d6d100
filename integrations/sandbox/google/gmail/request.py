"""An authorized Gmail call and its parameters."""

import base64
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from integrations.sandbox.accounts import SandboxAccount
from integrations.sandbox.google import api_problems
from integrations.sandbox.google.gmail import problems
from integrations.sandbox.google.gmail.omissions import ListOmissions
from integrations.sandbox.http_messages import HttpCall
from integrations.sandbox.mail.entry import MailboxEntry
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.mail.rendering import RenderingCache
from integrations.sandbox.schemas import ApiMethod
from integrations.sandbox.state import SandboxState

LARGEST_PAGE = 500
MAX_SEND_BYTES = 36_700_160
MAX_INSERT_BYTES = 157_286_400
MAX_LABELS = 100
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\r?\n\Z")
_HEX = re.compile(r"[0-9a-f]{1,16}")


@dataclass(frozen=True)
class GmailRequest:
    state: SandboxState
    call: HttpCall
    method: ApiMethod
    path: dict[str, str]
    account: SandboxAccount
    mailbox: SandboxMailbox
    rendering_cache: RenderingCache
    scopes: frozenset[str]

    # Query.

    def get_param(self, name: str, default: str = "") -> str:
        return self.call.get_param(name, default)

    def get_params(self, name: str) -> list[str]:
        return self.call.query.get(name, [])

    def get_flag(self, name: str) -> bool:
        return self.get_param(name) == "true"

    def get_page_size(self) -> int:
        """
        Return at most 500.

        :raises HttpProblem: not a number
        """
        value = self.get_param("maxResults", "100")
        if not value.isdecimal():
            raise api_problems.invalid_argument(
                f"Invalid value at 'max_results' (TYPE_UINT32), \"{value}\""
            )
        return min(int(value), LARGEST_PAGE) or 100

    def get_choice(self, name: str, default: str) -> str:
        value = self.get_param(name, default)
        if value.lower() not in self.method.query[name]["enum"]:
            raise api_problems.invalid_argument(f"Invalid value at '{name}', \"{value}\"")
        return value.lower()

    # Body.

    def read_json(self) -> dict[str, Any]:
        """:raises HttpProblem: not a JSON object"""
        kind = self.call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/related":
            return self._related_parts[0]
        if kind.startswith("message/"):
            return {}
        try:
            value = orjson.loads(self.call.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise api_problems.invalid_argument("Invalid JSON payload received.") from error
        if not isinstance(value, dict):
            raise api_problems.invalid_argument(
                "Invalid JSON payload received. Expected an object."
            )
        return value

    @cached_property
    def _related_parts(self) -> tuple[dict[str, Any], bytes]:
        """Metadata and message of an upload. The message is copied once: it may be large."""
        boundary_match = re.search(r'boundary="?([^";]+)', self.call.headers["content-type"])
        if not boundary_match:
            raise api_problems.invalid_argument("Missing end boundary in multipart body.")
        body, delimiter = self.call.body, b"--" + boundary_match[1].encode()
        metadata_at = body.find(delimiter)
        media_at = body.find(delimiter, metadata_at + 1)
        end = body.find(delimiter, media_at + 1)
        starts = [_BLANK_LINE.search(body, at) for at in (metadata_at, media_at)]
        if min(metadata_at, media_at, end) < 0 or starts[0] is None or starts[1] is None:
            raise api_problems.invalid_argument("Missing end boundary in multipart body.")
        line_end = _LINE_END.search(body, end - 2, end)
        media = body[starts[1].end() : line_end.start() if line_end else end]
        return orjson.loads(body[starts[0].end() : media_at].strip() or b"{}"), media

    def read_raw_message(self, message: dict[str, Any], *, limit: int = MAX_SEND_BYTES) -> bytes:
        """
        From any kind of body.

        :raises HttpProblem: missing, not base64url, or too large
        """
        kind = self.call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("message/"):
            raw = self.call.body
        elif kind == "multipart/related":
            raw = self._related_parts[1]
        else:
            encoded = message.get("raw")
            if not isinstance(encoded, str) or not encoded:
                raise api_problems.invalid_argument(
                    "'raw' RFC822 payload message string or uploading message via /upload/* URL "
                    "required"
                )
            try:
                raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except ValueError as error:
                raise api_problems.invalid_argument("Invalid value for ByteString") from error
        if len(raw) > limit:
            raise api_problems.too_large()
        return raw

    def read_labels(self, name: str, body: dict[str, Any]) -> list[str]:
        """:raises HttpProblem: too many, or unknown"""
        values = body.get(name) or []
        if len(values) > MAX_LABELS:
            raise api_problems.invalid_argument(f"Too many labels in {name}")
        for value in values:
            if value not in self.mailbox.labels:
                raise api_problems.invalid_argument(f"Invalid label: {value}")
        return list(values)

    # Mailbox.

    def parse_id(self, hex_id: str) -> int:
        if not _HEX.fullmatch(hex_id):
            raise api_problems.invalid_argument("Invalid id value")
        return int(hex_id, 16)

    def find_entry(self, hex_id: str) -> MailboxEntry:
        """:raises HttpProblem: malformed (400) or unknown (404)"""
        entry = self.mailbox.entries.get(self.parse_id(hex_id))
        if entry is None:
            raise problems.not_found()
        return entry

    def find_thread(self, hex_id: str) -> list[MailboxEntry]:
        entries = self.mailbox.get_thread(self.parse_id(hex_id))
        if not entries:
            raise problems.not_found()
        return entries

    @property
    def omissions(self) -> ListOmissions:
        return ListOmissions(self.state.knobs)
