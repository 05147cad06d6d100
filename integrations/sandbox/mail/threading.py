"""How a new message finds its thread: by the ids that it refers to."""

import re

_MESSAGE_ID = re.compile(
    rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^>\r\n]+>)", re.IGNORECASE | re.MULTILINE
)
_REFERENCES = re.compile(
    rb"^(?:references|in-reply-to):((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE
)
_ANGLE = re.compile(rb"<[^<>\s]+>")
_GENERATED = re.compile(r"^<t(\d+)\.\d+\.")


def head(raw: bytes) -> bytes:
    """The header block."""
    ends = [end for end in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if end >= 0]
    return raw[: min(ends)] if ends else raw


def message_id(raw: bytes) -> str:
    found = _MESSAGE_ID.search(head(raw))
    return found[1].decode("latin-1") if found else ""


def references(raw: bytes) -> list[str]:
    """Nearest first."""
    ids: list[str] = []
    for field in _REFERENCES.findall(head(raw)):
        ids.extend(value.decode("latin-1") for value in reversed(_ANGLE.findall(field)))
    return ids


def generated_thread(rfc_id: str) -> int | None:
    found = _GENERATED.match(rfc_id)
    return int(found[1]) if found else None


def with_message_id(raw: bytes, new: str) -> bytes:
    """Gmail puts its own Message-ID on what it sends."""
    block = head(raw)
    rest = raw[len(block) :]
    found = _MESSAGE_ID.search(block)
    if found:
        return block[: found.start(1)] + new.encode() + block[found.end(1) :] + rest
    return b"Message-ID: " + new.encode() + b"\r\n" + raw
