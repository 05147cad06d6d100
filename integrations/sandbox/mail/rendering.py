"""A message in Gmail's format: cached as bytes, completed with the values that change."""

import base64
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

import orjson

from integrations.sandbox.mail.entry import MailboxEntry, format_id
from integrations.sandbox.mail.mailbox import SandboxMailbox
from integrations.sandbox.mail.mime_parser import MimePart, parse_message

SNIPPET_LENGTH = 200
RENDERING_OVERHEAD = 600
_TAGS = re.compile(r"<(style|script|head|title)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
# Random, so that no mail can contain it.
_ID_PLACEHOLDER = secrets.token_hex(12)
_ID_PLACEHOLDERS = re.compile(rb"%s:([0-9.]*);" % _ID_PLACEHOLDER.encode())


def encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


@dataclass(slots=True)
class GmailRendering:
    """`payload` is JSON with a placeholder for each attachment id; `snippet` is JSON as well."""

    size: int
    snippet: bytes
    headers: list[dict[str, str]]
    mime_type: str
    payload: bytes
    attachments: bool
    text: str
    filenames: tuple[str, ...]

    @property
    def size_in_memory(self) -> int:
        return len(self.payload) + len(self.text) + RENDERING_OVERHEAD


def render_message(raw: bytes, *, payload_utf8: bool) -> GmailRendering:
    root = parse_message(raw)
    parts = root.list_parts()
    text = _get_readable_text(parts)
    payload_fields = _render_part(root, payload_utf8=payload_utf8)
    payload = orjson.dumps(payload_fields)
    return GmailRendering(
        size=len(raw),
        snippet=orjson.dumps(escape(" ".join(text.split())[:SNIPPET_LENGTH], quote=True)),
        headers=payload_fields["headers"],
        mime_type=root.mime_type,
        payload=payload,
        attachments=_ID_PLACEHOLDER.encode() in payload,
        text=text,
        filenames=tuple(name for part in parts if (name := part.filename)),
    )


def _replace_surrogates(value: str) -> str:
    """JSON cannot hold lone surrogates."""
    return value.encode("utf-8", "replace").decode()


def _render_part(part: MimePart, *, payload_utf8: bool) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "partId": part.path,
        "mimeType": _replace_surrogates(part.mime_type),
        "filename": _replace_surrogates(part.filename),
        "headers": [
            {"name": name, "value": _replace_surrogates(value)} for name, value in part.headers
        ],
        "body": _render_body(part, payload_utf8=payload_utf8),
    }
    if part.parts:
        fields["parts"] = [_render_part(part, payload_utf8=payload_utf8) for part in part.parts]
    return fields


def _render_body(part: MimePart, *, payload_utf8: bool) -> dict[str, Any]:
    if part.parts:
        return {"size": 0}
    data = part.decode_body()
    if is_attachment(part):
        return {"attachmentId": f"{_ID_PLACEHOLDER}:{part.path};", "size": len(data)}
    if payload_utf8:
        data = convert_to_utf8(data, part.charset)
    return {"size": len(data), "data": encode_base64url(data)} if data else {"size": 0}


def is_attachment(part: MimePart) -> bool:
    textual = part.mime_type.startswith(("text/", "multipart/"))
    return part.is_leaf and bool(part.filename or not textual)


def convert_to_utf8(data: bytes, charset: str) -> bytes:
    """Leave data in an unknown charset unchanged."""
    if not charset or charset.lower() in ("utf-8", "utf8", "us-ascii"):
        return data
    try:
        return data.decode(charset, "replace").encode("utf-8", "replace")
    except (LookupError, ValueError):
        return data


def _get_readable_text(parts: list[MimePart]) -> str:
    for mime_type in ("text/plain", "text/html"):
        for part in parts:
            if part.is_leaf and part.mime_type == mime_type and not is_attachment(part):
                text = convert_to_utf8(part.decode_body(), part.charset).decode("utf-8", "replace")
                return text if mime_type == "text/plain" else unescape(_TAGS.sub(" ", text))
    return ""


class RenderingCache:
    def __init__(self, mailbox: SandboxMailbox) -> None:
        self._mailbox = mailbox
        self._renderings: OrderedDict[int, GmailRendering] = OrderedDict()
        self.size_in_memory = 0
        self._secret = secrets.token_bytes(6)
        self.limit = 96 * 2**20
        self.payload_utf8 = True
        self.changing_ids = True

    def get_rendering(self, entry: MailboxEntry) -> GmailRendering:
        rendering = self._renderings.get(entry.id)
        if rendering is not None:
            self._renderings.move_to_end(entry.id)
            return rendering
        rendering = render_message(self._mailbox.get_raw(entry), payload_utf8=self.payload_utf8)
        self._renderings[entry.id] = rendering
        self.size_in_memory += rendering.size_in_memory
        while self.size_in_memory > self.limit and len(self._renderings) > 1:
            self.size_in_memory -= self._renderings.popitem(last=False)[1].size_in_memory
        return rendering

    def drop_rendering(self, entry_id: int | None = None) -> None:
        if entry_id is None:
            self._renderings.clear()
            self.size_in_memory = 0
        elif dropped := self._renderings.pop(entry_id, None):
            self.size_in_memory -= dropped.size_in_memory

    def render_json(
        self,
        entry: MailboxEntry,
        format_name: str = "full",
        header_names: frozenset[str] = frozenset(),
    ) -> bytes:
        """Return JSON in the format full, metadata, minimal or raw; header names are lower case."""
        rendering = self.get_rendering(entry)
        labels = orjson.dumps(sorted(entry.labels))
        head = (
            b'{"id":"%s","threadId":"%s","labelIds":%s,"snippet":%s,"sizeEstimate":%d,'
            b'"historyId":"%d","internalDate":"%d"'
        ) % (
            format_id(entry.id).encode(),
            format_id(entry.thread_id).encode(),
            labels,
            rendering.snippet,
            rendering.size,
            entry.history_id,
            entry.date,
        )
        if format_name == "full":
            return head + b',"payload":' + self._insert_attachment_ids(rendering, entry) + b"}"
        if format_name == "metadata":
            headers = [
                header
                for header in rendering.headers
                if not header_names or header["name"].lower() in header_names
            ]
            payload = orjson.dumps({"mimeType": rendering.mime_type, "headers": headers})
            return head + b',"payload":' + payload + b"}"
        if format_name == "raw":
            data = base64.urlsafe_b64encode(self._mailbox.get_raw(entry))
            return head + b',"raw":"' + data + b'"}'
        return head + b"}"

    def _insert_attachment_ids(self, rendering: GmailRendering, entry: MailboxEntry) -> bytes:
        if not rendering.attachments:
            return rendering.payload
        return _ID_PLACEHOLDERS.sub(
            lambda mark: self._make_attachment_id(mark[1], entry), rendering.payload
        )

    def _make_attachment_id(self, path: bytes, entry: MailboxEntry) -> bytes:
        nonce = secrets.token_bytes(12) if self.changing_ids else self._secret * 2
        plain_id = b"%d:%s" % (entry.id, path)
        mixed_id = bytes(byte ^ nonce[index % 12] for index, byte in enumerate(plain_id))
        return b"ANGjdJ" + base64.urlsafe_b64encode(nonce + self._secret + mixed_id)

    def get_attachment(self, entry: MailboxEntry, attachment_id: str) -> bytes | None:
        """Any id issued for this message works."""
        try:
            blob = base64.urlsafe_b64decode(attachment_id.removeprefix("ANGjdJ").encode())
        except (ValueError, UnicodeEncodeError):
            return None
        nonce, secret, mixed_id = blob[:12], blob[12:18], blob[18:]
        if len(nonce) < 12 or secret != self._secret:  # noqa: PLR2004 - the nonce's length
            return None
        plain_id = bytes(byte ^ nonce[index % 12] for index, byte in enumerate(mixed_id))
        owner, _, path = plain_id.partition(b":")
        if owner != b"%d" % entry.id:
            return None
        parts = parse_message(self._mailbox.get_raw(entry)).list_parts()
        return next((part.decode_body() for part in parts if part.path.encode() == path), None)
