"""One authorised call of one Gmail method, with its parameters read."""

import base64
import re
from dataclasses import dataclass
from typing import Any

import orjson

from integrations.sandbox.google import problems
from integrations.sandbox.google.gmail.omissions import Omissions
from integrations.sandbox.mail.entry import Entry
from integrations.sandbox.mail.mailbox import Mailbox
from integrations.sandbox.mail.rendering import Gallery
from integrations.sandbox.messages import Call
from integrations.sandbox.people import Person
from integrations.sandbox.schemas import Method
from integrations.sandbox.world import World

LARGEST_PAGE = 500
MAX_SEND_BYTES = 36_700_160
MAX_INSERT_BYTES = 157_286_400
MAX_LABELS = 100
_HEX = re.compile(r"[0-9a-f]{1,16}")


@dataclass(frozen=True)
class Ask:
    world: World
    call: Call
    method: Method
    path: dict[str, str]
    person: Person
    box: Mailbox
    gallery: Gallery
    scopes: frozenset[str]

    # Query.

    def text(self, name: str, default: str = "") -> str:
        return self.call.first(name, default)

    def texts(self, name: str) -> list[str]:
        return self.call.query.get(name, [])

    def flag(self, name: str) -> bool:
        return self.text(name) == "true"

    def page_size(self) -> int:
        """
        `maxResults`, at most 500.

        :raises Problem: not a number
        """
        value = self.text("maxResults", "100")
        if not value.isdecimal():
            raise problems.invalid_argument(
                f"Invalid value at 'max_results' (TYPE_UINT32), \"{value}\""
            )
        return min(int(value), LARGEST_PAGE) or 100

    def choice(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if value.lower() not in self.method.query[name]["enum"]:
            raise problems.invalid_argument(f"Invalid value at '{name}', \"{value}\"")
        return value.lower()

    # Body.

    def json(self) -> dict[str, Any]:
        """:raises Problem: not a JSON object"""
        kind = self.call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "multipart/related":
            return self._related()[0]
        if kind.startswith("message/"):
            return {}
        try:
            value = orjson.loads(self.call.body or b"{}")
        except orjson.JSONDecodeError as error:
            raise problems.invalid_argument("Invalid JSON payload received.") from error
        if not isinstance(value, dict):
            raise problems.invalid_argument("Invalid JSON payload received. Expected an object.")
        return value

    def _related(self) -> tuple[dict[str, Any], bytes]:
        """multipart/related of an upload: metadata, then the message."""
        content_type = self.call.headers["content-type"]
        found = re.search(r'boundary="?([^";]+)', content_type)
        if not found:
            raise problems.invalid_argument("Missing end boundary in multipart body.")
        pieces = self.call.body.split(b"--" + found[1].encode())[1:3]
        bodies = [re.split(rb"\r?\n\r?\n", piece, maxsplit=1)[-1] for piece in pieces]
        if len(bodies) < 2:  # noqa: PLR2004 - metadata and media
            raise problems.invalid_argument("Missing end boundary in multipart body.")
        metadata = orjson.loads(bodies[0] or b"{}")
        media = bodies[1].removesuffix(b"\n").removesuffix(b"\r")
        return metadata, media

    def raw_of(self, message: dict[str, Any], *, limit: int = MAX_SEND_BYTES) -> bytes:
        """
        The RFC 5322 bytes of a request, wherever they are.

        :raises Problem: missing, not base64url, or too large
        """
        kind = self.call.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("message/"):
            raw = self.call.body
        elif kind == "multipart/related":
            raw = self._related()[1]
        else:
            encoded = message.get("raw")
            if not isinstance(encoded, str) or not encoded:
                raise problems.invalid_argument(
                    "'raw' RFC822 payload message string or uploading message via /upload/* URL "
                    "required"
                )
            try:
                raw = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except ValueError as error:
                raise problems.invalid_argument("Invalid value for ByteString") from error
        if len(raw) > limit:
            raise problems.too_large()
        return raw

    def labels(self, name: str, body: dict[str, Any]) -> list[str]:
        """:raises Problem: too many, or a label that does not exist"""
        values = body.get(name) or []
        if len(values) > MAX_LABELS:
            raise problems.invalid_argument(f"Too many labels in {name}")
        for value in values:
            if value not in self.box.labels:
                raise problems.invalid_argument(f"Invalid label: {value}")
        return list(values)

    # Mailbox.

    def number(self, shown: str) -> int:
        if not _HEX.fullmatch(shown):
            raise problems.invalid_argument("Invalid id value")
        return int(shown, 16)

    def entry(self, shown: str) -> Entry:
        """:raises Problem: malformed (400) or unknown (404)"""
        entry = self.box.entries.get(self.number(shown))
        if entry is None:
            raise problems.not_found()
        return entry

    def thread(self, shown: str) -> list[Entry]:
        entries = self.box.thread(self.number(shown))
        if not entries:
            raise problems.not_found()
        return entries

    @property
    def omissions(self) -> Omissions:
        return Omissions(self.world.dials)
