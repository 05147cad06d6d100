"""multipart/mixed: many calls in one, each with its own authorisation, cost and answer."""

import re
from collections.abc import Callable
from http import HTTPStatus
from secrets import token_hex

from integrations.sandbox.google import problems
from integrations.sandbox.messages import Answer, Call

MAX_PARTS = 100
_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_BLANK = re.compile(rb"\r?\n\r?\n")


def parts_of(call: Call) -> list[tuple[str, Call]]:
    """
    (Content-ID, inner call) in order.

    :raises Problem: not multipart, not HTTP inside, or more than 100 parts
    """
    found = _BOUNDARY.search(call.headers.get("content-type", ""))
    if not found:
        raise problems.invalid_argument("Failed to parse batch request, error: no boundary.")
    pieces = call.body.split(b"--" + found[1].encode())[1:-1]
    if not pieces:
        raise problems.invalid_argument("Failed to parse batch request, error: 0 items.")
    if len(pieces) > MAX_PARTS:
        raise problems.invalid_argument(
            f"The batch request exceeds the limit of {MAX_PARTS} calls: {len(pieces)}."
        )
    return [_inner(call, piece.lstrip(b"\r\n")) for piece in pieces]


def _inner(outer: Call, piece: bytes) -> tuple[str, Call]:
    sections = _BLANK.split(piece, maxsplit=2)
    if len(sections) < 2:  # noqa: PLR2004 - part headers and a request
        raise problems.invalid_argument("Failed to parse batch request, error: malformed part.")
    part_headers = _headers(sections[0])
    line, _, rest = sections[1].partition(b"\n")
    body = sections[2] if len(sections) > 2 else b""  # noqa: PLR2004
    verb, _, target = line.decode("utf-8", "replace").strip().partition(" ")
    target = target.rsplit(" ", 1)[0] if " HTTP/" in target else target
    target = re.sub(r"^https?://[^/]+", "", target)
    path, _, query = target.partition("?")
    headers = _headers(rest)
    headers.setdefault("authorization", outer.headers.get("authorization", ""))
    length = headers.get("content-length", "")
    body = body[: int(length)] if length.isdecimal() else body.rstrip(b"\r\n")
    return part_headers.get("content-id", ""), Call(verb, path, query, headers, body)


def _headers(block: bytes) -> dict[str, str]:
    pairs = (line.partition(b":") for line in block.splitlines())
    return {
        name.decode("latin-1").strip().lower(): value.decode("latin-1").strip()
        for name, colon, value in pairs
        if colon
    }


def answer(call: Call, one: Callable[[Call], Answer]) -> Answer:
    boundary = f"batch_{token_hex(16)}"
    pieces = []
    for content_id, inner in parts_of(call):
        result = one(inner)
        pieces.append(_part(boundary, content_id, result))
    body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    return Answer(200, body, {}, f"multipart/mixed; boundary={boundary}")


def _part(boundary: str, content_id: str, result: Answer) -> bytes:
    """CRLF throughout, `<response-` before the id that came: what the client library looks for."""
    shown = (
        f"<response-{content_id[1:]}" if content_id.startswith("<") else f"response-{content_id}"
    )
    headers = {"Content-Type": result.content_type, **result.headers}
    headers["Content-Length"] = str(len(result.body))
    phrase = HTTPStatus(result.status).phrase
    lines = [
        f"--{boundary}",
        "Content-Type: application/http",
        f"Content-ID: {shown}",
        "",
        f"HTTP/1.1 {result.status} {phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + result.body + b"\r\n"
