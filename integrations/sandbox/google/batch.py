"""multipart/mixed: many calls in one request, each authorized and charged alone."""

import re
from collections.abc import Callable
from http import HTTPStatus
from secrets import token_hex

from integrations.sandbox.google import api_problems
from integrations.sandbox.http_messages import HttpAnswer, HttpCall

MAX_PARTS = 100
_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


def read_parts(call: HttpCall) -> list[tuple[str, HttpCall]]:
    """
    Return the parts in order, with their Content-IDs.

    :raises HttpProblem: not multipart, not HTTP inside, or more than 100 parts
    """
    boundary_match = _BOUNDARY.search(call.headers.get("content-type", ""))
    if not boundary_match:
        raise api_problems.invalid_argument("Failed to parse batch request, error: no boundary.")
    pieces = call.body.split(b"--" + boundary_match[1].encode())[1:-1]
    if not pieces:
        raise api_problems.invalid_argument("Failed to parse batch request, error: 0 items.")
    if len(pieces) > MAX_PARTS:
        raise api_problems.invalid_argument(
            f"The batch request exceeds the limit of {MAX_PARTS} calls: {len(pieces)}."
        )
    return [_read_inner_call(call, piece.lstrip(b"\r\n")) for piece in pieces]


def _read_inner_call(outer: HttpCall, piece: bytes) -> tuple[str, HttpCall]:
    sections = _BLANK_LINE.split(piece, maxsplit=2)
    if len(sections) < 2:  # noqa: PLR2004 - part headers and a request
        raise api_problems.invalid_argument("Failed to parse batch request, error: malformed part.")
    part_headers = _parse_headers(sections[0])
    line, _, rest = sections[1].partition(b"\n")
    body = sections[2] if len(sections) > 2 else b""  # noqa: PLR2004
    verb, _, target = line.decode("utf-8", "replace").strip().partition(" ")
    target = target.rsplit(" ", 1)[0] if " HTTP/" in target else target
    target = re.sub(r"^https?://[^/]+", "", target)
    path, _, query = target.partition("?")
    headers = _parse_headers(rest)
    headers.setdefault("authorization", outer.headers.get("authorization", ""))
    length = headers.get("content-length", "")
    body = body[: int(length)] if length.isdecimal() else body.rstrip(b"\r\n")
    return part_headers.get("content-id", ""), HttpCall(verb, path, query, headers, body)


def _parse_headers(block: bytes) -> dict[str, str]:
    pairs = (line.partition(b":") for line in block.splitlines())
    return {
        name.decode("latin-1").strip().lower(): value.decode("latin-1").strip()
        for name, colon, value in pairs
        if colon
    }


def answer_batch(call: HttpCall, answer_part: Callable[[HttpCall], HttpAnswer]) -> HttpAnswer:
    boundary = f"batch_{token_hex(16)}"
    pieces = []
    for content_id, inner in read_parts(call):
        result = answer_part(inner)
        pieces.append(_write_part(boundary, content_id, result))
    body = b"".join(pieces) + f"--{boundary}--\r\n".encode()
    return HttpAnswer(200, body, {}, f"multipart/mixed; boundary={boundary}")


def _write_part(boundary: str, content_id: str, result: HttpAnswer) -> bytes:
    """The client library expects CRLF, and `<response-` before the received id."""
    response_id = (
        f"<response-{content_id[1:]}" if content_id.startswith("<") else f"response-{content_id}"
    )
    headers = {"Content-Type": result.content_type, **result.headers}
    headers["Content-Length"] = str(len(result.body))
    phrase = HTTPStatus(result.status).phrase
    lines = [
        f"--{boundary}",
        "Content-Type: application/http",
        f"Content-ID: {response_id}",
        "",
        f"HTTP/1.1 {result.status} {phrase}",
        *(f"{name}: {value}" for name, value in headers.items()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + result.body + b"\r\n"
