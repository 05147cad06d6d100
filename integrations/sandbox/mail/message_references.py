"""Finds the thread of a message by its headers."""

import re

_MESSAGE_ID = re.compile(
    rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?(<[^>\r\n]+>)", re.IGNORECASE | re.MULTILINE
)
_REFERENCES = re.compile(
    rb"^(?:references|in-reply-to):((?:[^\r\n]|\r?\n[ \t])*)", re.IGNORECASE | re.MULTILINE
)
_ANGLE = re.compile(rb"<[^<>\s]+>")
_GENERATED = re.compile(r"^<t(\d+)\.\d+\.")


def get_header_block(raw: bytes) -> bytes:
    ends = [end for end in (raw.find(b"\r\n\r\n"), raw.find(b"\n\n")) if end >= 0]
    return raw[: min(ends)] if ends else raw


def read_message_id(raw: bytes) -> str:
    id_match = _MESSAGE_ID.search(get_header_block(raw))
    return id_match[1].decode("latin-1") if id_match else ""


def read_references(raw: bytes) -> list[str]:
    """Nearest first."""
    ids: list[str] = []
    for field in _REFERENCES.findall(get_header_block(raw)):
        ids.extend(value.decode("latin-1") for value in reversed(_ANGLE.findall(field)))
    return ids


def parse_generated_thread(rfc_id: str) -> int | None:
    thread_match = _GENERATED.match(rfc_id)
    return int(thread_match[1]) if thread_match else None


def replace_message_id(raw: bytes, new_id: str) -> bytes:
    """Gmail sets its own Message-ID."""
    block = get_header_block(raw)
    remainder = raw[len(block) :]
    id_match = _MESSAGE_ID.search(block)
    if id_match:
        return block[: id_match.start(1)] + new_id.encode() + block[id_match.end(1) :] + remainder
    return b"Message-ID: " + new_id.encode() + b"\r\n" + raw
