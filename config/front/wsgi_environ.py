"""WSGI's environ (PEP 3333) of an ASGI request."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from config.front import error_answers
from config.front.body_streams import BodyStream

# The body has arrived, so its framing and `Expect` do not concern the application.
_FRONT_HEADERS: Final = frozenset({b"content-length", b"transfer-encoding", b"expect"})


def read_path(scope: Mapping[str, Any]) -> str:
    """
    Return the path of the address as Django reads it.

    :raises RequestRefused: if it is not UTF-8. Django would percent-encode such bytes, and copy
        the path for each.
    """
    try:
        return unquote_to_bytes(scope["raw_path"]).decode("utf-8")
    except UnicodeDecodeError:
        raise error_answers.refuse_malformed_path() from None


def make_environ(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environ of a request without a body."""
    host, port = scope.get("server") or ("", 0)
    client, _ = scope.get("client") or ("", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "REMOTE_ADDR": client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    for name, value in scope["headers"]:
        add_header(environ, name, value)
    set_body(environ, b"")
    return environ


def add_header(environ: dict[str, Any], name: bytes, value: bytes) -> None:
    # `X_Forwarded_For` would pass as `X-Forwarded-For`, which a proxy sets.
    if name in _FRONT_HEADERS or b"_" in name:
        return
    key = name.decode("latin-1").upper().replace("-", "_")
    if key != "CONTENT_TYPE":
        key = f"HTTP_{key}"
    text = value.decode("latin-1")
    if key in environ:
        text = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{text}"
    environ[key] = text


def set_body(environ: dict[str, Any], body: bytes) -> None:
    environ["CONTENT_LENGTH"] = str(len(body))
    environ["wsgi.input"] = BytesIO(body)


def set_body_stream(
    environ: dict[str, Any], stream: BodyStream, *, length: int | None, max_bytes: int
) -> None:
    """
    Let the application read the body while it arrives.

    :param length: None: not announced. Then `Transfer-Encoding` tells the application, and
        `CONTENT_LENGTH` is the most that it may read: Django reads no body without a length.
    """
    if length is None:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    environ["CONTENT_LENGTH"] = str(max_bytes if length is None else length)
    environ["wsgi.input"] = stream
