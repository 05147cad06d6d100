"""Edits of a draft in a provider's own client."""

import secrets

from integrations.sandbox.mail import mime
from integrations.sandbox.mail.message_references import get_header_block
from integrations.sandbox.mail.mime_parser import MimePart, parse_message

# Headers that Gmail's client writes; it knows no others.
KNOWN_HEADERS = (
    b"from:", b"to:", b"cc:", b"bcc:", b"subject:", b"date:", b"in-reply-to:", b"references:",
    b"message-id:", b"mime-version:", b"content-",
)  # fmt: skip
STRUCTURE = (b"content-", b"mime-version:")


def _list_header_lines(raw: bytes) -> list[bytes]:
    """Each with its continuation lines."""
    lines: list[bytes] = []
    for line in get_header_block(raw).splitlines(keepends=True):
        if line[:1] in (b" ", b"\t") and lines:
            lines[-1] += line
        else:
            lines.append(line)
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += b"\r\n"
    return lines


def replace_text(raw: bytes, text: str) -> bytes:
    """Keep headers and attachments."""
    lines = [line for line in _list_header_lines(raw) if not line.lower().startswith(STRUCTURE)]
    content = mime.make_text(text, "plain")
    attached = [part for part in parse_message(raw).list_parts() if part.filename]
    if attached:
        parts = [content, *map(_copy_part, attached)]
        content = mime.make_multipart("mixed", f"_edit_{secrets.token_hex(8)}", parts)
    return b"".join(lines) + b"MIME-Version: 1.0\r\n" + content


def _copy_part(part: MimePart) -> bytes:
    return mime.make_attachment(part.mime_type, part.filename, part.decode_body())


def keep_known_headers(raw: bytes) -> bytes:
    lines = [line for line in _list_header_lines(raw) if line.lower().startswith(KNOWN_HEADERS)]
    return b"".join(lines) + raw[len(get_header_block(raw)) :].removeprefix(b"\r\n")
