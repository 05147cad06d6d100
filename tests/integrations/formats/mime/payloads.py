"""What Gmail's `format=full` would answer for raw bytes, made independently of our readers."""

from __future__ import annotations

import base64
import email
from email import policy


def from_raw(content: bytes) -> dict:
    return _node(email.message_from_bytes(content, policy=policy.compat32), "")


def _node(message, part_id: str) -> dict:
    headers = [
        {"name": name, "value": " ".join(_decoded(value).split())}
        for name, value in message.raw_items()
    ]
    node = {
        "partId": part_id,
        "mimeType": message.get_content_type(),
        "filename": message.get_filename() or "",
        "headers": headers,
        "body": {"size": 0},
    }
    if message.is_multipart() and message.get_content_maintype() == "multipart":
        node["parts"] = [
            _node(child, f"{part_id}.{index}" if part_id else str(index))
            for index, child in enumerate(message.get_payload())
        ]
        return node
    if message.is_multipart():
        data = b"".join(child.as_bytes() for child in message.get_payload())
    else:
        data = message.get_payload(decode=True) or b""
    node["body"] = {"size": len(data)}
    if node["filename"]:
        node["body"]["attachmentId"] = "ANGjdJ" + part_id
    else:
        node["body"]["data"] = base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    return node


def _decoded(value: object) -> str:
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
