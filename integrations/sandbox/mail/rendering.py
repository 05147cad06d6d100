"""A message as Gmail shows it. Built once, kept as bytes, filled in with what changes."""

import base64
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

import orjson

from integrations.sandbox.mail.entry import Entry, shown_id
from integrations.sandbox.mail.mailbox import Mailbox
from integrations.sandbox.mail.splitting import Part, split

SNIPPET_LENGTH = 200
OVERHEAD = 600
_TAGS = re.compile(r"<(style|script|head|title)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
# A mark that no mail can contain, because nobody knows it.
_MARK = secrets.token_hex(12)
_MARKED = re.compile(rb"%s:([0-9.]*);" % _MARK.encode())


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


@dataclass(slots=True)
class Rendering:
    """`payload` is JSON with a mark for each attachment id; `snippet` is JSON as well."""

    size: int
    snippet: bytes
    headers: list[dict[str, str]]
    mime_type: str
    payload: bytes
    attachments: bool
    text: str
    filenames: tuple[str, ...]

    @property
    def weight(self) -> int:
        return len(self.payload) + len(self.text) + OVERHEAD


def render(raw: bytes, *, payload_utf8: bool) -> Rendering:
    root = split(raw)
    parts = root.walk()
    text = _readable(parts)
    shown = _shown(root, payload_utf8=payload_utf8)
    payload = orjson.dumps(shown)
    return Rendering(
        size=len(raw),
        snippet=orjson.dumps(escape(" ".join(text.split())[:SNIPPET_LENGTH], quote=True)),
        headers=shown["headers"],
        mime_type=root.mime_type,
        payload=payload,
        attachments=_MARK.encode() in payload,
        text=text,
        filenames=tuple(name for part in parts if (name := part.filename)),
    )


def _clean(value: str) -> str:
    """Lone surrogates cannot travel in JSON."""
    return value.encode("utf-8", "replace").decode()


def _shown(part: Part, *, payload_utf8: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "partId": part.path,
        "mimeType": _clean(part.mime_type),
        "filename": _clean(part.filename),
        "headers": [{"name": name, "value": _clean(value)} for name, value in part.headers],
        "body": _body(part, payload_utf8=payload_utf8),
    }
    if part.parts:
        shown["parts"] = [_shown(each, payload_utf8=payload_utf8) for each in part.parts]
    return shown


def _body(part: Part, *, payload_utf8: bool) -> dict[str, Any]:
    if part.parts:
        return {"size": 0}
    data = part.decoded()
    if is_attachment(part):
        return {"attachmentId": f"{_MARK}:{part.path};", "size": len(data)}
    if payload_utf8:
        data = in_utf8(data, part.charset)
    return {"size": len(data), "data": url64(data)} if data else {"size": 0}


def is_attachment(part: Part) -> bool:
    textual = part.mime_type.startswith(("text/", "multipart/"))
    return part.is_leaf and bool(part.filename or not textual)


def in_utf8(data: bytes, charset: str) -> bytes:
    """Unknown charsets and `utf-8` itself are left alone."""
    if not charset or charset.lower() in ("utf-8", "utf8", "us-ascii"):
        return data
    try:
        return data.decode(charset, "replace").encode("utf-8", "replace")
    except (LookupError, ValueError):
        return data


def _readable(parts: list[Part]) -> str:
    """The text of the first text/plain part, else of the first HTML part."""
    for wanted in ("text/plain", "text/html"):
        for part in parts:
            if part.is_leaf and part.mime_type == wanted and not is_attachment(part):
                text = in_utf8(part.decoded(), part.charset).decode("utf-8", "replace")
                return text if wanted == "text/plain" else unescape(_TAGS.sub(" ", text))
    return ""


class Gallery:
    """Renderings of one mailbox, the most recently used ones kept."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._kept: OrderedDict[int, Rendering] = OrderedDict()
        self.weight = 0
        self._secret = secrets.token_bytes(6)
        self.limit = 96 * 2**20
        self.payload_utf8 = True
        self.changing_ids = True

    def rendering(self, entry: Entry) -> Rendering:
        kept = self._kept.get(entry.id)
        if kept is not None:
            self._kept.move_to_end(entry.id)
            return kept
        made = render(self._mailbox.raw(entry), payload_utf8=self.payload_utf8)
        self._kept[entry.id] = made
        self.weight += made.weight
        while self.weight > self.limit and len(self._kept) > 1:
            self.weight -= self._kept.popitem(last=False)[1].weight
        return made

    def forget(self, entry_id: int | None = None) -> None:
        """One message that was replaced, or all."""
        if entry_id is None:
            self._kept.clear()
            self.weight = 0
        elif gone := self._kept.pop(entry_id, None):
            self.weight -= gone.weight

    def message(
        self, entry: Entry, form: str = "full", only: frozenset[str] = frozenset()
    ) -> bytes:
        """JSON. `form` is full, metadata, minimal or raw; `only` are lower-case header names."""
        made = self.rendering(entry)
        labels = orjson.dumps(sorted(entry.labels))
        head = (
            b'{"id":"%s","threadId":"%s","labelIds":%s,"snippet":%s,"sizeEstimate":%d,'
            b'"historyId":"%d","internalDate":"%d"'
        ) % (
            shown_id(entry.id).encode(),
            shown_id(entry.thread_id).encode(),
            labels,
            made.snippet,
            made.size,
            entry.history_id,
            entry.date,
        )
        if form == "full":
            return head + b',"payload":' + self._with_ids(made, entry) + b"}"
        if form == "metadata":
            kept = [h for h in made.headers if not only or h["name"].lower() in only]
            shown = orjson.dumps({"mimeType": made.mime_type, "headers": kept})
            return head + b',"payload":' + shown + b"}"
        if form == "raw":
            data = base64.urlsafe_b64encode(self._mailbox.raw(entry))
            return head + b',"raw":"' + data + b'"}'
        return head + b"}"

    def _with_ids(self, made: Rendering, entry: Entry) -> bytes:
        if not made.attachments:
            return made.payload
        return _MARKED.sub(lambda mark: self._attachment_id(mark[1], entry), made.payload)

    def _attachment_id(self, path: bytes, entry: Entry) -> bytes:
        nonce = secrets.token_bytes(12) if self.changing_ids else self._secret * 2
        inside = b"%d:%s" % (entry.id, path)
        mixed = bytes(byte ^ nonce[index % 12] for index, byte in enumerate(inside))
        return b"ANGjdJ" + base64.urlsafe_b64encode(nonce + self._secret + mixed)

    def attachment(self, entry: Entry, attachment_id: str) -> bytes | None:
        """The decoded content behind any id that was ever handed out for this message."""
        try:
            blob = base64.urlsafe_b64decode(attachment_id.removeprefix("ANGjdJ").encode())
        except (ValueError, UnicodeEncodeError):
            return None
        nonce, secret, mixed = blob[:12], blob[12:18], blob[18:]
        if len(nonce) < 12 or secret != self._secret:  # noqa: PLR2004 - the nonce's length
            return None
        inside = bytes(byte ^ nonce[index % 12] for index, byte in enumerate(mixed))
        owner, _, path = inside.partition(b":")
        if owner != b"%d" % entry.id:
            return None
        parts = split(self._mailbox.raw(entry)).walk()
        return next((p.decoded() for p in parts if p.path.encode() == path), None)
