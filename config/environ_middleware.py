"""Clean the environ of WSGI requests: no variables of the process, and UTF-8 only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

WsgiApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# RFC 2046 §5.1.1, without the space.
_BOUNDARY: Final = re.compile(
    r"""; *boundary=("?)([A-Za-z0-9'()+_,./:=?-]{1,70})\1 *(?:;|\Z)""", re.ASCII | re.IGNORECASE
)


def hide_process_environment(serve: WsgiApplication) -> WsgiApplication:
    """
    Remove variables of this process, secrets among them, from every request.

    A server may add them, as in CGI (PEP 3333), and every log or report of a request would show
    them.
    """
    process_environment = dict(os.environ)

    def serve_request(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        for name in process_environment.keys() & environ.keys():
            if environ[name] == process_environment[name]:
                del environ[name]
        return serve(environ, start_response)

    return serve_request


def force_utf8(serve: WsgiApplication) -> WsgiApplication:
    """
    Drop the charset of each `Content-Type`.

    Django looks charsets up among all Python codecs, some of which decode no text, before it
    handles exceptions: a stranger could raise one in the server, which prints it.
    """

    def serve_request(
        environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        content_type = environ.get("CONTENT_TYPE", "")
        if ";" in content_type:
            environ["CONTENT_TYPE"] = _strip_parameters(content_type)
        return serve(environ, start_response)

    return serve_request


def _strip_parameters(content_type: str) -> str:
    """Return the media type, with the boundary of a multipart form."""
    media_type = content_type.partition(";")[0].strip()
    boundary = _BOUNDARY.search(content_type)
    return f'{media_type}; boundary="{boundary[2]}"' if boundary else media_type
